// SPDX-License-Identifier: Apache-2.0
#include "mcp/answer.h"

#include <utility>

#include "mcp/tool_messages.h"

namespace assay::mcp {
namespace {

// What a result of this request has round it; outlives the request.
struct Envelope {
  explicit Envelope(const Request& request)
      : id(request.message.id), era(request.era), version(request.server_version) {}

  Json response(Json result) const {
    if (era == Era::modern) {
      if (!result.contains("resultType")) result["resultType"] = "complete";
      result["_meta"][kMetaServerInfo] = {{"name", "assay"}, {"version", version}};
    }
    return encode_result(id, std::move(result));
  }

  Json id;
  Era era;
  std::string version;
};

}  // namespace

Json Request::client_capabilities() const {
  if (era == Era::modern)
    return message.params.at("_meta").value(kMetaCapabilities, Json::object());
  return peer.session ? peer.session->client_capabilities() : Json::object();
}

Handled answer_with(const Request& request, Json result) {
  return {200, Envelope(request).response(std::move(result))};
}

Handled refuse_with(const Request& request, const RpcError& error, int http_status) {
  const bool unknown_method = request.era == Era::modern && error.code == kMethodNotFound;
  if (http_status == 0) http_status = unknown_method ? 404 : 200;
  return {http_status, encode_error(request.message.id, error)};
}

Handled run_later(const Request& request, Work work) {
  PendingCall call;
  call.id = request.message.id;
  call.closing_cancels = request.era == Era::modern;
  call.wants_progress = !progress_token(request.message.params).is_null();
  const Envelope envelope(request);
  call.run = [envelope, work = std::move(work)](CallPeer& peer) {
    std::variant<Json, RpcError> end = work(peer);
    if (const auto* error = std::get_if<RpcError>(&end)) return encode_error(envelope.id, *error);
    return envelope.response(std::move(std::get<Json>(end)));
  };
  call.refuse = [envelope](const schemas::Error& error) {
    return envelope.response(tool_result(error));
  };
  Handled handled;
  handled.call = std::move(call);
  return handled;
}

}  // namespace assay::mcp
