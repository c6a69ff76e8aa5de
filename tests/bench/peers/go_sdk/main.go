// SPDX-License-Identifier: Apache-2.0

// A server of the official Go SDK with one trivial tool, stateless, answering in JSON: what Assay is
// compared with. Usage: go_sdk ADDRESS
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type stats struct {
	Status  string  `json:"status"`
	UptimeS float64 `json:"uptime_s"`
}

func main() {
	started := time.Now()
	server := mcp.NewServer(&mcp.Implementation{Name: "go-sdk", Version: "1.8.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "get_server_stats", Description: "Server statistics"},
		func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, stats, error) {
			return nil, stats{"healthy", time.Since(started).Seconds()}, nil
		})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	log.Fatal(http.ListenAndServe(os.Args[1], mux))
}
