/* containers/bits/bits_file.h: a bit array whose words are a mapped file or device.
 *
 * The file has the bytes of the array and nothing else, so that other programs can use it
 * and there is no header to verify. Called by containers/bits/bits.c for arrays in the
 * states NEAP_BITS_IN_FILE and NEAP_BITS_IN_FILE_TO_READ.
 */
#ifndef NEAP_CONTAINERS_BITS_BITS_FILE_H
#define NEAP_CONTAINERS_BITS_BITS_FILE_H

#include <neap/bits.h>

/* As neap_bits_resize. */
int neap__bits_file_resize(neap_bits_t *bits, uint64_t count);

void neap__bits_file_close(neap_bits_t *bits);

/* Whether the struct and the mapping agree. */
bool neap__bits_file_check(const neap_bits_t *bits);

#endif
