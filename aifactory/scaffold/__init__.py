"""Make a use case's repo: find the template, check the answers, render beside the target, commit, move into place."""

from aifactory.scaffold.new import Created, check, new
from aifactory.scaffold.template import Template, locate

__all__ = ["Created", "Template", "check", "locate", "new"]
