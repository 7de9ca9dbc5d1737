"""The rule table: which task an answer performed, and whether it follows the instruction that was asked."""

from salmonn_eval.scorers.rules.following import FOLLOWING, FollowingRule, Verdict, check_rule, follows
from salmonn_eval.scorers.rules.marks import MARKS, Mark, Output
from salmonn_eval.scorers.rules.performed import AS_ASKED, PERFORMED, Performed, performed

__all__ = [
    "AS_ASKED",
    "FOLLOWING",
    "MARKS",
    "PERFORMED",
    "FollowingRule",
    "Mark",
    "Output",
    "Performed",
    "Verdict",
    "check_rule",
    "follows",
    "performed",
]
