/* cast/air/blob.h: bytes that do not change and that several listeners are sent. Any thread. */
#ifndef CAST_AIR_BLOB_H
#define CAST_AIR_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct cast_blob {
    _Atomic uint32_t holders;
    uint32_t bytes;
    uint8_t data[];
};

/* Makes a copy of `bytes` bytes, with one holder. NULL if there is no memory or they are over 2^31. */
struct cast_blob *cast_blob_new(const void *data, size_t bytes);

/* Adds a holder, and returns the blob. NULL is allowed. */
struct cast_blob *cast_blob_hold(struct cast_blob *blob);

/* Takes a holder away; with the last, the blob ends. NULL is allowed. */
void cast_blob_drop(struct cast_blob *blob);

#endif
