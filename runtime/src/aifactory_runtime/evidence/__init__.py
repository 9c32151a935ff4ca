"""One file about a release for an auditor: what it was judged by, who let it pass, and what the logs say."""
