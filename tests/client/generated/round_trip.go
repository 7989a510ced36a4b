// One round trip with the generated Go client: round_trip URL
package main

import (
	"context"
	"log"
	"os"

	hopfact "example.com/hopfact"
)

func check(condition bool, complaint ...any) {
	if !condition {
		log.Fatal(complaint...)
	}
}

func label(text string) hopfact.Term {
	return hopfact.StringAsTerm(&text)
}

func main() {
	configuration := hopfact.NewConfiguration()
	configuration.Servers = hopfact.ServerConfigurations{{URL: os.Args[1]}}
	client := hopfact.NewAPIClient(configuration)
	background, kb := context.Background(), "go"

	_, _, err := client.KnowledgeBasesAPI.CreateKb(background).KbBody(*hopfact.NewKbBody(kb)).Execute()
	check(err == nil, err)
	norway, people := "Norway", 709037.0
	triples := []hopfact.TripleBody{
		*hopfact.NewTripleBody(label("Oslo"), label("capital of"), hopfact.StringAsTermValue(&norway)),
		*hopfact.NewTripleBody(label("Oslo"), label("population"), hopfact.Float64AsTermValue(&people)),
	}
	written, _, err := client.TriplesAPI.WriteTriples(background, kb).TriplesBody(*hopfact.NewTriplesBody(triples)).Execute()
	check(err == nil, err)
	check(written.Accepted == 2, written.Accepted)
	question := hopfact.NewAskBody("Oslo is the capital of what?")
	reply, _, err := client.QuestionsAPI.Ask(background, kb).AskBody(*question).Execute()
	check(err == nil, err)
	check(len(reply.Answers) == 1 && reply.Answers[0].Label == norway, reply.Answers)
	check(reply.Answers[0].Evidence[0].Relation == "capital of", reply.Answers[0].Evidence)
	asked := hopfact.NewAskBatchBody([]hopfact.AskedQuestion{hopfact.AskBodyAsAskedQuestion(question)})
	batch, _, err := client.QuestionsAPI.AskBatch(background, kb).AskBatchBody(*asked).Execute()
	check(err == nil, err)
	check(batch.Replies[0].Answers[0].Label == norway, batch.Replies)
	_, err = client.KnowledgeBasesAPI.DeleteKb(background, kb).Execute()
	check(err == nil, err)
	_, _, err = client.KnowledgeBasesAPI.ShowKb(background, kb).Execute()
	refused, ok := err.(*hopfact.GenericOpenAPIError)
	check(ok, err)
	problem, ok := refused.Model().(hopfact.ProblemReply)
	check(ok && problem.Code == "kb_not_found", string(refused.Body()))
}
