"""The retrievers, in the libraries that they are for, over a real service."""

import asyncio
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document
from langchain_core.prompts import PromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.schema import MetadataMode, QueryBundle

from hopfact import langchain, llamaindex
from hopfact.client import Client
from hopfact.evidence import passages
from tests.processes import ServiceProcess

KB = "retrieved"
TWO_HOPS = "Where was the director of Sunrise born?"
FACTS = ["Sunrise directed by F. W. Murnau.", "F. W. Murnau born in Bielefeld."]


@pytest.fixture(scope="module")
def client(served: ServiceProcess) -> Iterator[Client]:
    with Client(str(served.client.base_url)) as one:
        one.create_kb(KB)
        murnau = "F. W. Murnau"
        triples = [
            ("Sunrise", "directed by", murnau),
            ("Faust", "directed by", murnau),
            (murnau, "born in", "Bielefeld"),
        ]
        one.write(KB, triples, source="atlas")
        yield one


def test_langchain_gets_the_facts_of_the_proof_as_documents(client: Client) -> None:
    retriever = langchain.HopfactRetriever(client=client, kb=KB)
    documents = retriever.invoke(TWO_HOPS)
    assert [one.page_content for one in documents] == FACTS
    assert asyncio.run(retriever.ainvoke(TWO_HOPS)) == documents
    reply = client.ask(KB, TWO_HOPS)
    for number, (document, fact) in enumerate(zip(documents, reply["answers"][0]["evidence"], strict=True), start=1):
        assert document.id == str(fact["triple_id"])
        metadata = {name: document.metadata[name] for name in ("triple_id", "hop", "source", "answers", "confidence")}
        assert metadata == {
            "triple_id": fact["triple_id"],
            "hop": number,
            "source": "atlas",
            "answers": ["Bielefeld"],
            "confidence": reply["confidence"],
        }


def joined(documents: list[Document]) -> str:
    return " ".join(one.page_content for one in documents)


def test_langchain_puts_them_into_a_chain(client: Client) -> None:
    facts = langchain.HopfactRetriever(client=client, kb=KB) | RunnableLambda(joined)
    chain = {"facts": facts, "question": RunnablePassthrough()} | PromptTemplate.from_template("{facts} {question}")
    assert chain.invoke(TWO_HOPS).to_string() == " ".join([*FACTS, TWO_HOPS])


def test_llamaindex_gets_the_facts_of_the_proof_as_nodes(client: Client) -> None:
    retriever = llamaindex.HopfactRetriever(client, KB)
    nodes = retriever.retrieve(TWO_HOPS)
    assert [one.node.get_content(MetadataMode.NONE) for one in nodes] == FACTS
    confidence = client.ask(KB, TWO_HOPS)["confidence"]
    assert [one.score for one in nodes] == [confidence] * 2
    assert [one.node.metadata["answers"] for one in nodes] == [["Bielefeld"]] * 2
    assert [one.node.node_id for one in nodes] == [str(one.node.metadata["triple_id"]) for one in nodes]
    again = asyncio.run(retriever.aretrieve(QueryBundle(TWO_HOPS)))
    assert [one.node.node_id for one in again] == [one.node.node_id for one in nodes]
    assert SimilarityPostprocessor(similarity_cutoff=confidence).postprocess_nodes(nodes) == nodes


@pytest.mark.parametrize("question", ["Who composed the music of Atlantis?", "Who painted the Mona Lisa?"])
def test_where_the_service_abstains_there_is_nothing(client: Client, question: str) -> None:
    assert client.ask(KB, question)["abstained"]
    assert langchain.HopfactRetriever(client=client, kb=KB).invoke(question) == []
    assert llamaindex.HopfactRetriever(client, KB).retrieve(question) == []


def test_a_fact_of_several_answers_comes_once(client: Client) -> None:
    question = "Which films did the director of Sunrise direct?"
    found = passages(client.ask(KB, question))
    assert len({one.fact["triple_id"] for one in found}) == len(found)
    answers = {label for one in found for label in one.answers}
    assert "Faust" in answers
    [limited] = [passages(client.ask(KB, "Which films did F. W. Murnau direct?", limit=1))]
    assert len(limited) == 1
