"""What a use case has on AWS, asked of AWS itself; `aifactory/targets/aws.py` calls it."""
