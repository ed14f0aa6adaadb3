"""The client of luna-faces."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient, segment, snaked

__all__ = ["Faces"]


class Faces(LunaClient):
    """Faces, their attributes, and lists of faces. Filters are keyword arguments, such as `userData`, `pageSize`.

    Source: LUNA manual, page "Luna services clients description".
    """

    # --- faces ------------------------------------------------------------------------------------------------------

    def createFace(
        self,
        attributeId: Optional[str] = None,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        eventId: Optional[str] = None,
        userData: Optional[str] = None,
        externalId: Optional[str] = None,
        avatar: Optional[str] = None,
        listIds: Optional[Sequence[str]] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Creates a face; the answer has its `face_id`. Descriptors that are bytes are sent in base64."""
        attribute = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        body = _face(attributeId, attribute, eventId, userData, externalId, avatar, listIds)
        return self._send("POST", "/faces", body, raiseError, kwargs)

    def putFace(
        self,
        faceId: str,
        attributeId: Optional[str] = None,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        eventId: Optional[str] = None,
        userData: Optional[str] = None,
        externalId: Optional[str] = None,
        avatar: Optional[str] = None,
        listIds: Optional[Sequence[str]] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Creates or replaces the face with this id."""
        attribute = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        body = _face(attributeId, attribute, eventId, userData, externalId, avatar, listIds)
        return self._send("PUT", _face_path(faceId), body, raiseError, kwargs)

    def patchFace(
        self,
        faceId: str,
        eventId: Optional[str] = None,
        userData: Optional[str] = None,
        externalId: Optional[str] = None,
        avatar: Optional[str] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Changes what is given of a face."""
        body = _face(None, None, eventId, userData, externalId, avatar, None)
        return self._send("PATCH", _face_path(faceId), body, raiseError, kwargs)

    def getFaces(self, targets: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """Faces by filters. targets: the fields to be given."""
        return self._get("GET", "/faces", raiseError, {"targets": targets, **kwargs})

    def getFacesCount(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """How many faces the filters find."""
        return self._get("GET", "/faces/count", raiseError, kwargs)

    def getFace(
        self, faceId: str, targets: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """One face."""
        return self._get("GET", _face_path(faceId), raiseError, {"targets": targets, **kwargs})

    def headFace(self, faceId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the face is there; a 404 raises unless raiseError is False."""
        return self._get("HEAD", _face_path(faceId), raiseError, kwargs)

    def deleteFace(self, faceId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes a face."""
        return self._get("DELETE", _face_path(faceId), raiseError, kwargs)

    def deleteFaces(self, faceIds: Sequence[str], raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes faces."""
        return self._send("DELETE", "/faces", {"face_ids": list(faceIds)}, raiseError, kwargs)

    # --- attributes of faces ----------------------------------------------------------------------------------------

    def getFacesAttributes(
        self, faceIds: Sequence[str], targets: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """The attributes of faces."""
        return self._get("GET", "/faces/attributes", raiseError, {"faceIds": faceIds, "targets": targets, **kwargs})

    def getFaceAttributes(
        self, faceId: str, targets: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """The attributes of a face."""
        return self._get("GET", f"{_face_path(faceId)}/attributes", raiseError, {"targets": targets, **kwargs})

    def getFaceAttributeSamples(self, faceId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """The samples that the attributes of a face are from."""
        return self._get("GET", f"{_face_path(faceId)}/attributes/samples", raiseError, kwargs)

    def putFaceAttributes(
        self,
        faceId: str,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Replaces the attributes of a face."""
        body = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        return self._send("PUT", f"{_face_path(faceId)}/attributes", body, raiseError, kwargs)

    def updateFaceAttributes(
        self,
        faceId: str,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Changes what is given of the attributes of a face."""
        body = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        return self._send("PATCH", f"{_face_path(faceId)}/attributes", body, raiseError, kwargs)

    def deleteFaceAttributes(self, faceId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes the attributes of a face."""
        return self._get("DELETE", f"{_face_path(faceId)}/attributes", raiseError, kwargs)

    # --- temporary attributes ---------------------------------------------------------------------------------------

    def createAttribute(
        self,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        ttl: Optional[int] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Creates a temporary attribute; the answer has its `attribute_id`. ttl: in seconds."""
        body = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        return self._send("POST", "/attributes", body if ttl is None else {**body, "ttl": ttl}, raiseError, kwargs)

    def putAttribute(
        self,
        attributeId: str,
        basicAttributes: Optional[dict[str, Any]] = None,
        descriptors: Optional[Sequence[Any]] = None,
        descriptorSamples: Optional[Sequence[str]] = None,
        basicAttributesSamples: Optional[Sequence[str]] = None,
        ttl: Optional[int] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Creates or replaces the temporary attribute with this id."""
        body = _attribute(basicAttributes, descriptors, descriptorSamples, basicAttributesSamples)
        body = body if ttl is None else {**body, "ttl": ttl}
        return self._send("PUT", _attribute_path(attributeId), body, raiseError, kwargs)

    def getAttributes(
        self,
        attributeIds: Sequence[str],
        targets: Optional[Sequence[str]] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Temporary attributes by their ids."""
        query = {"attributeIds": attributeIds, "targets": targets, **kwargs}
        return self._get("GET", "/attributes", raiseError, query)

    def getAttribute(
        self, attributeId: str, targets: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """One temporary attribute."""
        return self._get("GET", _attribute_path(attributeId), raiseError, {"targets": targets, **kwargs})

    def getAttributeSamples(self, attributeId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """The samples that a temporary attribute is from."""
        return self._get("GET", f"{_attribute_path(attributeId)}/samples", raiseError, kwargs)

    def headAttribute(self, attributeId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the temporary attribute is there; a 404 raises unless raiseError is False."""
        return self._get("HEAD", _attribute_path(attributeId), raiseError, kwargs)

    def deleteAttribute(self, attributeId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes a temporary attribute."""
        return self._get("DELETE", _attribute_path(attributeId), raiseError, kwargs)

    # --- lists ------------------------------------------------------------------------------------------------------

    def createList(
        self, userData: Optional[str] = None, listId: Optional[str] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Creates a list; the answer has its `list_id`."""
        return self._send("POST", "/lists", snaked({"userData": userData, "listId": listId}), raiseError, kwargs)

    def getLists(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """Lists by filters."""
        return self._get("GET", "/lists", raiseError, kwargs)

    def getListsCount(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """How many lists the filters find."""
        return self._get("GET", "/lists/count", raiseError, kwargs)

    def getList(self, listId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """One list."""
        return self._get("GET", _list_path(listId), raiseError, kwargs)

    def headList(self, listId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the list is there; a 404 raises unless raiseError is False."""
        return self._get("HEAD", _list_path(listId), raiseError, kwargs)

    def patchList(self, listId: str, userData: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Changes the user data of a list."""
        return self._send("PATCH", _list_path(listId), {"user_data": userData}, raiseError, kwargs)

    def deleteList(
        self, listId: str, withFaces: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Deletes a list. withFaces: and the faces in it."""
        return self._get("DELETE", _list_path(listId), raiseError, {"withFaces": withFaces, **kwargs})

    def deleteLists(
        self, listIds: Sequence[str], withFaces: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Deletes lists. withFaces: and the faces in them."""
        body = {"list_ids": list(listIds)}
        return self._send("DELETE", "/lists", body, raiseError, {"withFaces": withFaces, **kwargs})

    def linkFacesToList(self, listId: str, faceIds: Sequence[str], raiseError: bool = True, **kwargs: Any) -> Call:
        """Puts faces into a list."""
        return self._link("attach", listId, faceIds, raiseError, kwargs)

    def unlinkFacesFromList(self, listId: str, faceIds: Sequence[str], raiseError: bool = True, **kwargs: Any) -> Call:
        """Takes faces out of a list."""
        return self._link("detach", listId, faceIds, raiseError, kwargs)

    def getAttributesFromList(self, listId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """The attributes of the faces in a list, by filters such as `linkKeyLt`."""
        return self._get("GET", f"{_list_path(listId)}/attributes", raiseError, kwargs)

    def getAttributeIds(self, listId: Optional[str] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """The ids of attributes, by filters such as `timeLt`."""
        return self._get("GET", "/attributes/ids", raiseError, {"listId": listId, **kwargs})

    def _link(self, action: str, list_id: str, face_ids: Sequence[str], raise_error: bool, more: dict[str, Any]) -> Call:
        body = {"action": action, "list_id": str(list_id), "face_ids": list(face_ids)}
        return self._send("PATCH", "/linker", body, raise_error, more)

    def _get(self, method: str, path: str, raise_error: bool, query: dict[str, Any]) -> Call:
        account = query.pop("accountId", None)
        return self._call(method, path, query, raise_error, accountId=account)

    def _send(self, method: str, path: str, body: Any, raise_error: bool, query: dict[str, Any]) -> Call:
        account = query.pop("accountId", None)
        return self._call(method, path, query, raise_error, json=body, accountId=account)


def _face_path(face_id: str) -> str:
    return f"/faces/{segment('faceId', face_id)}"


def _attribute_path(attribute_id: str) -> str:
    return f"/attributes/{segment('attributeId', attribute_id)}"


def _list_path(list_id: str) -> str:
    return f"/lists/{segment('listId', list_id)}"


def _face(
    attribute_id: Any, attribute: Any, event_id: Any, user_data: Any, external_id: Any, avatar: Any, list_ids: Any
) -> dict[str, Any]:
    return snaked(
        {
            "attributeId": attribute_id,
            "attribute": attribute or None,
            "eventId": event_id,
            "userData": user_data,
            "externalId": external_id,
            "avatar": avatar,
            "lists": list_ids,
        }
    )


def _attribute(basic: Any, descriptors: Any, samples: Any, basic_samples: Any) -> dict[str, Any]:
    return snaked(
        {
            "basicAttributes": basic,
            "descriptors": descriptors,
            "descriptorSamples": samples,
            "basicAttributesSamples": basic_samples,
        }
    )
