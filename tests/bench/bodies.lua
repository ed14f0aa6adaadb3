-- The load: a body of BYTES bytes over and over, or nothing. The last line of the output is for the program.
local bytes = tonumber(os.getenv("BYTES"))
if bytes > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", bytes)
  wrk.headers["Content-Type"] = "application/octet-stream"
end

function done(summary, latency, requests)
  io.write(string.format('SUMMARY {"requests": %d, "microseconds": %d, "bytes": %d, "wrong": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end
