// The methods of _lambdapool.Channel: the bridge to luna_lambda_tools, listed in worker/README.md.
//
// They may be called from any thread that holds the GIL. Arguments are checked before anything is
// queued, so that an error never leaves part of a frame. In a forked child they do nothing, except
// that log() writes to standard error.
#pragma once

#include <Python.h>

#include "worker/python/channel.h"

namespace lambdapool::worker::python {

struct ChannelObject {
  PyObject_HEAD Channel channel;
};

inline Channel& channel_of(PyObject* self) {
  return reinterpret_cast<ChannelObject*>(self)->channel;
}

extern PyMethodDef channel_methods[];

}  // namespace lambdapool::worker::python
