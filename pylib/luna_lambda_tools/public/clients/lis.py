"""The client of luna-image-store, for one bucket."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import Connection, LunaClient, segment

__all__ = ["LIS"]


class LIS(LunaClient):
    """Images and objects of one bucket. Source: LUNA manual, page "Luna services clients description"."""

    def __init__(self, client: Connection, accountId: Optional[str], bucket: str) -> None:
        super().__init__(client, accountId)
        self._bucket = bucket

    def getAddress(self) -> str:
        """The address of the bucket: `{origin}/{api_version}/buckets/{bucket}`."""
        return f"{super().getAddress()}{self._path('')}"

    def postImage(
        self, imageInBytes: bytes, contentType: str = "image/jpeg", raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Stores an image; the answer has its `image_id`."""
        return self._put("POST", "/images", imageInBytes, contentType, raiseError, kwargs)

    def putImage(
        self,
        imageInBytes: bytes,
        imageId: str,
        contentType: str = "image/jpeg",
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Stores an image under an id."""
        path = f"/images/{segment('imageId', imageId)}"
        return self._put("PUT", path, imageInBytes, contentType, raiseError, kwargs)

    def getImage(
        self, imageId: str, withMeta: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """The image, as bytes in `body`. withMeta: whether its meta data is to be given as well."""
        path = f"/images/{segment('imageId', imageId)}"
        return self._get("GET", path, raiseError, {"withMeta": withMeta, **kwargs}, "bytes")

    def headImage(
        self, imageId: str, withMeta: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Asks whether the image is there; a 404 raises unless raiseError is False."""
        path = f"/images/{segment('imageId', imageId)}"
        return self._get("HEAD", path, raiseError, {"withMeta": withMeta, **kwargs})

    def deleteImage(self, imageId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes an image."""
        return self._get("DELETE", f"/images/{segment('imageId', imageId)}", raiseError, kwargs)

    def deleteImages(self, imageIds: Sequence[str], raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes images."""
        return self._delete("images", imageIds, raiseError, kwargs)

    def postObject(
        self, objectBody: Any, contentType: str = "application/json", raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Stores an object: bytes, text, or what is stored as JSON; the answer has its `object_id`."""
        return self._put("POST", "/objects", objectBody, contentType, raiseError, kwargs)

    def putObject(
        self,
        objectBody: Any,
        objectId: str,
        contentType: str = "application/json",
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Stores an object under an id."""
        path = f"/objects/{segment('objectId', objectId)}"
        return self._put("PUT", path, objectBody, contentType, raiseError, kwargs)

    def getObject(self, objectId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """The object, as bytes in `body`; `json` parses it."""
        return self._get("GET", f"/objects/{segment('objectId', objectId)}", raiseError, kwargs, "bytes")

    def headObject(self, objectId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the object is there; a 404 raises unless raiseError is False."""
        return self._get("HEAD", f"/objects/{segment('objectId', objectId)}", raiseError, kwargs)

    def deleteObject(self, objectId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes an object."""
        return self._get("DELETE", f"/objects/{segment('objectId', objectId)}", raiseError, kwargs)

    def deleteObjects(self, objectIds: Sequence[str], raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes objects."""
        return self._delete("objects", objectIds, raiseError, kwargs)

    def _path(self, rest: str) -> str:
        return f"/buckets/{segment('bucket', self._bucket)}{rest}"

    def _get(self, method: str, path: str, raise_error: bool, query: dict[str, Any], wants: str = "json") -> Call:
        account = query.pop("accountId", None)
        return self._call(method, self._path(path), query, raise_error, accountId=account, wants=wants)

    def _put(
        self, method: str, path: str, data: Any, content_type: str, raise_error: bool, query: dict[str, Any]
    ) -> Call:
        account = query.pop("accountId", None)
        if isinstance(data, str):
            data = data.encode()
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._call(
                method, self._path(path), query, raise_error, body=data, contentType=content_type, accountId=account
            )
        return self._call(
            method, self._path(path), query, raise_error, json=data, contentType=content_type, accountId=account
        )

    def _delete(self, kind: str, ids: Sequence[str], raise_error: bool, query: dict[str, Any]) -> Call:
        account = query.pop("accountId", None)
        body = {kind: list(ids)}
        return self._call("DELETE", self._path(f"/{kind}"), query, raise_error, json=body, accountId=account)
