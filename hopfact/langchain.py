"""A retriever for LangChain: the facts that prove Hopfact's answer, as documents.

retriever = HopfactRetriever(client=Client("http://127.0.0.1:8000"), kb="films")
documents = retriever.invoke("Who directed Sunrise?")

Needs the extra `langchain`.
"""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from hopfact.client import Client
from hopfact.evidence import passages


class HopfactRetriever(BaseRetriever):
    """Documents of one fact each: its labels as text, its triple, answers and confidence as metadata.

    There are none where the service abstains. `ainvoke` asks in a thread.
    """

    client: Client
    kb: str
    """The knowledge base to ask."""
    limit: int = 20
    """Of how many answers the facts are given."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        reply = self.client.ask(self.kb, query, limit=self.limit)
        return [
            Document(id=str(one.fact["triple_id"]), page_content=one.text, metadata=one.metadata)
            for one in passages(reply)
        ]
