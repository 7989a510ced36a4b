// One round trip with the generated TypeScript client: node round_trip.js URL
import { Configuration, KnowledgeBasesApi, QuestionsApi, ResponseError, TriplesApi } from "./client";

declare const process: { argv: string[] };

function check(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}

async function main(): Promise<void> {
  const configuration = new Configuration({ basePath: process.argv[2] });
  const kbs = new KnowledgeBasesApi(configuration);
  const kb = "typescript";
  await kbs.createKb({ kbBody: { name: kb } });
  const written = await new TriplesApi(configuration).writeTriples({
    kb,
    triplesBody: {
      triples: [
        { subject: "Oslo", relation: { label: "capital of" }, object: "Norway" },
        { subject: "Oslo", relation: "population", object: 709037 },
      ],
    },
  });
  check(written.accepted === 2, `accepted ${written.accepted}`);
  const questions = new QuestionsApi(configuration);
  const reply = await questions.ask({ kb, askBody: { question: "Oslo is the capital of what?" } });
  check(reply.answers[0].label === "Norway", JSON.stringify(reply));
  check(reply.answers[0].evidence[0].relation === "capital of", JSON.stringify(reply));
  const batch = await questions.askBatch({
    kb,
    askBatchBody: { questions: ["Oslo is the capital of what?", { question: "What is the population of Oslo?", maxHops: 1 }] },
  });
  check(batch.replies.map((one) => one.answers[0].label).join() === "Norway,709037", JSON.stringify(batch));
  await kbs.deleteKb({ kb });
  try {
    await kbs.showKb({ kb });
    check(false, "a deleted knowledge base is shown");
  } catch (error) {
    check(error instanceof ResponseError, String(error));
    const problem = await (error as ResponseError).response.json();
    check(problem.code === "kb_not_found", JSON.stringify(problem));
  }
}

void main();
