-- The load: the manual's request, over and over. BENCH_BYTES says otherwise: a body of so many bytes, or GET for 0.
-- The last line of the output is for the program.
local bytes = tonumber(os.getenv("BENCH_BYTES"))
if bytes == nil then
  wrk.method = "POST"
  wrk.body = '{"images": ["image_one", "image_two"]}'
  wrk.headers["Content-Type"] = "application/json"
elseif bytes > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", bytes)
  wrk.headers["Content-Type"] = "application/octet-stream"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'SUMMARY {"requests": %d, "microseconds": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d, ' ..
    '"mean_us": %.1f, "p50_us": %d, "p90_us": %d, "p99_us": %d, "p999_us": %d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)))
end
