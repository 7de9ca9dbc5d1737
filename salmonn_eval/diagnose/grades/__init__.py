"""Item scores between 0 and 1, as tasks name them: of an answer to its own sample, and of any answer to any sample."""

from salmonn_eval.diagnose.grades.base import Grades
from salmonn_eval.diagnose.grades.table import GRADES, grades_of

__all__ = ["GRADES", "Grades", "grades_of"]
