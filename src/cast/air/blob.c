/* cast/air/blob.c: a counter before the bytes. */
#include "cast/air/blob.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct cast_blob *cast_blob_new(const void *data, size_t bytes) {
    struct cast_blob *blob = bytes <= INT32_MAX ? malloc(sizeof(*blob) + bytes) : NULL;
    if (!blob)
        return NULL;
    atomic_init(&blob->holders, 1);
    blob->bytes = (uint32_t)bytes;
    memcpy(blob->data, data, bytes);
    return blob;
}

struct cast_blob *cast_blob_hold(struct cast_blob *blob) {
    if (blob)
        atomic_fetch_add_explicit(&blob->holders, 1, memory_order_relaxed);
    return blob;
}

void cast_blob_drop(struct cast_blob *blob) {
    if (blob && atomic_fetch_sub_explicit(&blob->holders, 1, memory_order_acq_rel) == 1)
        free(blob);
}
