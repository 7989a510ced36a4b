"""How the tags of EWT are held to their promises: sentences of each split."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={}, sizes={"upos": (12_544, 2_001, 2_077)})
