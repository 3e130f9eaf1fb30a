"""Lists that are short by nature."""

from django.http import HttpRequest
from unfold.views import ChangeList


class WholeChangeList(ChangeList):
    """Offers "Show all" only where a search or a filter leaves something out."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count
