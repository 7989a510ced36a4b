"""A retriever for LlamaIndex: the facts that prove Hopfact's answer, as nodes.

retriever = HopfactRetriever(Client("http://127.0.0.1:8000"), "films")
nodes = retriever.retrieve("Who directed Sunrise?")

Needs the extra `llamaindex`.
"""

from anyio.to_thread import run_sync
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from hopfact.client import Client
from hopfact.evidence import passages


class HopfactRetriever(BaseRetriever):
    """Nodes of one fact each: its labels as text, its triple and answers as metadata, the confidence as score.

    There are none where the service abstains. `aretrieve` asks in a thread.
    """

    def __init__(self, client: Client, kb: str, *, limit: int = 20) -> None:
        """`limit`: of how many answers the facts are given."""
        super().__init__()
        self._client = client
        self._kb = kb
        self._limit = limit

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        reply = self._client.ask(self._kb, query_bundle.query_str, limit=self._limit)
        return [
            NodeWithScore(
                node=TextNode(id_=str(one.fact["triple_id"]), text=one.text, metadata=one.metadata),
                score=reply["confidence"],
            )
            for one in passages(reply)
        ]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await run_sync(self._retrieve, query_bundle)
