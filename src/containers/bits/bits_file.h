/* containers/bits/bits_file.h: a bit array whose words are a mapped file or device.
 *
 * The file has the bytes of the array and nothing else, so that other programs can use it
 * and there is no header to verify. Its length is the file's own: others may append to it at any
 * time, so a change of the length begins with the length of today, and nothing is written
 * behind the last byte of the array. Called by containers/bits/bits.c for arrays in the
 * states NEAP_BITS_IN_FILE and NEAP_BITS_IN_FILE_TO_READ.
 */
#ifndef NEAP_CONTAINERS_BITS_BITS_FILE_H
#define NEAP_CONTAINERS_BITS_BITS_FILE_H

#include <neap/bits.h>

/* Takes the file's lock and its length, for a change of the length. NEAP_ERROR_FORMAT: the file was cut
 * short; the array has the new length. On failure the lock is not held. */
int neap__bits_file_begin(neap_bits_t *bits);

/* As neap_bits_resize, between begin and end. */
int neap__bits_file_resize(neap_bits_t *bits, uint64_t count);

/* Lets go of the lock; returns `error`. */
int neap__bits_file_end(const neap_bits_t *bits, int error);

void neap__bits_file_close(neap_bits_t *bits);

/* Whether the struct and the mapping agree. */
bool neap__bits_file_check(const neap_bits_t *bits);

#endif
