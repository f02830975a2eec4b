/* tests/fuzz/change.h: an input that is a list of changes to a sound image.
 *
 *   input    |how|change|change| ...      how: the target's byte: which image, and how it is read
 *   change   |place 32|value 32|          place: |meaning 2|offset 30, modulo the image|
 *   meaning  0  the 4 bytes there become `value`
 *            1  the 8 bytes there become an address in the image
 *            2  ... become a number of any magnitude: 2^n, a little more or less, or minus that
 *            3  ... become what stands elsewhere in the image
 *
 * So an input is sound but for a few words, and gets deep. An image is made once; the changes of a run are
 * taken back after it. libFuzzer makes its changes with the mutator in here, which aims at words in use.
 */
#ifndef NEAP_FUZZ_CHANGE_H
#define NEAP_FUZZ_CHANGE_H

#include <stddef.h>
#include <stdint.h>

enum { CHANGES_MOST = 512 }; /* further ones are left out */

struct change_image {
    unsigned char *bytes;
    size_t size;
    uint64_t base;  /* address of the first byte */
    uint32_t *used; /* offsets of words that are worth a change */
    size_t used_count;
};

/* The image that an input's first byte chooses, NULL if none: then the rest of it is bytes of the target's
 * own. Defined by each target. */
const struct change_image *fuzz_image(uint8_t how);

/* Notes which words of a sound image are in use. `bytes` and what is allocated stay for good. */
struct change_image change_image_of(unsigned char *bytes, size_t size, uint64_t base);

/* Makes the changes of an input that begins behind its first byte; and takes them back. */
void change_make(const struct change_image *image, const uint8_t *data, size_t bytes);
void change_undo(const struct change_image *image);

/* What a target does with an input: `look` gets the image with the input's changes or, where there is none,
 * the rest of the input in a block of exactly its length. Returns 0. */
int change_run(const uint8_t *data, size_t bytes, void (*look)(const unsigned char *bytes, size_t count));

#endif
