// SPDX-License-Identifier: Apache-2.0
#include "mcp/docs_page.h"

namespace assay::mcp {

// Texts of the document enter the page as text nodes only.
const std::string& docs_page() {
  static const std::string page = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assay: REST routes</title>
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: 6px; margin: .4rem 0; }
summary { cursor: pointer; padding: .4rem .7rem; }
.inside { padding: 0 .7rem .7rem; }
.method { display: inline-block; width: 4.5rem; font-weight: 700; }
code, pre, textarea, input, select { font: 13px/1.4 ui-monospace, monospace; }
textarea { width: 100%; height: 13rem; box-sizing: border-box; }
pre { background: #8882; padding: .6rem; overflow: auto; max-height: 28rem; white-space: pre-wrap; }
label { display: block; margin: .35rem 0; }
input { width: 22rem; max-width: 100%; }
.about { opacity: .75; }
</style>
</head>
<body>
<h1>Assay</h1>
<p id="about">Reading <a href="openapi.json">openapi.json</a> …</p>
<p><a href="openapi.json">openapi.json</a> · <a href="health">health</a> · <a href="stats">stats</a>
· <a href="metrics">metrics</a> · MCP is at <code>/mcp</code></p>
<label>Token, if the server wants one <input id="token" type="password" autocomplete="off"></label>
<main id="routes"></main>
<script>
"use strict";
const make = (tag, text, parent, attributes) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  Object.assign(element, attributes || {});
  if (parent) parent.append(element);
  return element;
};
const by_id = (id) => document.getElementById(id);

// The value of one example as what stands in the text field.
const body_text = (value) => JSON.stringify(value, null, 2);

function encoded(type, text) {
  if (type === "application/json") return text;
  const form = type.startsWith("multipart") ? new FormData() : new URLSearchParams();
  for (const [name, value] of Object.entries(JSON.parse(text))) form.append(name, value);
  return form;
}

async function show_answer(answer, output, started) {
  const seconds = () => ((performance.now() - started) / 1000).toFixed(2) + " s";
  output.textContent = answer.status + " " + answer.statusText + "\n\n";
  const type = answer.headers.get("Content-Type") || "";
  if (type.startsWith("text/event-stream")) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done;) output.textContent += part.value;
  } else if (type.includes("json")) {
    output.textContent += JSON.stringify(await answer.json(), null, 2);
  } else {
    output.textContent += await answer.text();
  }
  output.textContent += "\n\n" + seconds();
}

function add_trial(inside, method, path, operation) {
  const fields = (operation.parameters || []).map((parameter) => {
    const label = make("label", parameter.name + " ", inside);
    const input = make("input", "", label, {placeholder: parameter.description || ""});
    return {parameter, input};
  });
  let kind, text;
  const types = operation.requestBody ? operation.requestBody.content : null;
  if (types) {
    kind = make("select", "", make("label", "as ", inside));
    for (const type of Object.keys(types)) make("option", type, kind, {value: type});
    text = make("textarea", "", inside, {spellcheck: false});
    const examples = Object.values(Object.values(types)[0].examples || {});
    if (examples.length > 0) text.value = body_text(examples[0].value);
    for (const example of examples.length > 1 ? examples : [])
      make("button", example.summary, inside,
           {onclick: () => { text.value = body_text(example.value); }});
  }
  const send = make("button", "Send", inside);
  const output = make("pre", "", inside, {hidden: true});
  send.onclick = async () => {
    output.hidden = false;
    output.textContent = "…";
    const started = performance.now();
    try {
      let target = path.slice(1);
      const query = new URLSearchParams();
      for (const {parameter, input} of fields) {
        if (parameter.in === "path")
          target = target.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
        else if (input.value) query.append(parameter.name, input.value);
      }
      const headers = {};
      if (by_id("token").value) headers.Authorization = "Bearer " + by_id("token").value;
      // The browser itself writes the type of a form.
      if (kind && kind.value === "application/json") headers["Content-Type"] = kind.value;
      const body = kind ? encoded(kind.value, text.value) : undefined;
      const address = new URL("./" + target, location.href);
      address.search = query.toString();
      await show_answer(await fetch(address, {method, headers, body}), output, started);
    } catch (error) {
      output.textContent = String(error);
    }
  };
}

function add_route(method, path, operation) {
  const route = make("details", "", by_id("routes"));
  const head = make("summary", "", route);
  make("span", method.toUpperCase(), head, {className: "method"});
  make("code", path, head);
  make("span", " " + operation.summary, head, {className: "about"});
  const inside = make("div", "", route, {className: "inside"});
  for (const [status, answer] of Object.entries(operation.responses))
    make("div", status + ": " + answer.description, inside, {className: "about"});
  add_trial(inside, method.toUpperCase(), path, operation);
}

fetch("openapi.json").then((answer) => answer.json()).then((document) => {
  by_id("about").textContent = document.info.summary + " Version " + document.info.version + ".";
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) add_route(method, path, operation);
}).catch((error) => { by_id("about").textContent = "openapi.json could not be read: " + error; });
</script>
</body>
</html>
)html";
  return page;
}

}  // namespace assay::mcp
