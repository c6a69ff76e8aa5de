// SPDX-License-Identifier: Apache-2.0

// Calls one tool of Assay with the official Go SDK. A request is {name, arguments}.
//
//	go run . REQUEST.json URL
//	go run . REQUEST.json COMMAND ARGUMENT...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type request struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: go run . REQUEST.json URL | COMMAND ARGUMENT...")
	}
	if err := call(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		log.Fatal(err)
	}
}

func call(path, target string, arguments []string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var asked request
	if err := json.Unmarshal(text, &asked); err != nil {
		return err
	}
	var transport mcp.Transport = &mcp.CommandTransport{Command: exec.Command(target, arguments...)}
	if strings.HasPrefix(target, "http") {
		transport = &mcp.StreamableClientTransport{Endpoint: target}
	}

	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "go-example", Version: "1.0.0"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, note *mcp.ProgressNotificationClientRequest) {
			fmt.Printf("progress %.0f: %s\n", note.Params.Progress, note.Params.Message)
		},
	})
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	names := []string{}
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	fmt.Println("tools:", strings.Join(names, " "))

	params := &mcp.CallToolParams{Name: asked.Name, Arguments: asked.Arguments}
	params.SetProgressToken("1")
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return err
	}
	fmt.Println("summary:", result.StructuredContent.(map[string]any)["summary"])
	return nil
}
