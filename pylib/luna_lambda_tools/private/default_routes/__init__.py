"""The routes that every lambda has besides its own, as functions from a request to a Reply.

=========================  =========================================================================================
GET /docs/spec             ``docs.docs_reply(request, lambda_)``
GET /config                ``config.config_reply(request, lambda_)``
GET, HEAD /static/<path>   ``static.static_reply(folder, method, path, headers)``: a Reply, or a FileStream when the
                           file is large
=========================  =========================================================================================

``request`` is any request object with ``headers``; each function raises HostError for what it refuses. They are quick
enough for the loop's thread: the document is made once.
"""
