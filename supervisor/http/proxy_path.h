// The paths under which LUNA's lambda service passes requests on to its lambdas:
// `/{api}/lambdas/{lambda_id}/proxy/{path}`. The same requests reach a lambda here, so that clients
// need to change nothing but the address.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "supervisor/failure.h"
#include "supervisor/http/request_head.h"

namespace lambdapool::supervisor {

inline constexpr std::string_view kProxyRoute = "/<api>/lambdas/<lambda_id>/proxy/<path>";

struct ProxyPath {
  std::string_view lambda_id;
  std::string path;  // What the lambda is asked for; begins with a slash.
};

// Nothing when the path is not of that form.
std::optional<ProxyPath> parse_proxy_path(std::string_view path);

// The value of the header Luna-Account-Id, nothing without it.
std::optional<std::string_view> account_id(const RequestHead& head);

// Why the request may not pass to the lambda with `lambda_id`; nothing when it may.
std::optional<Failure> find_proxy_fault(const ProxyPath& proxy, const RequestHead& head,
                                        std::string_view lambda_id);

}  // namespace lambdapool::supervisor
