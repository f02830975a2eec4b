/* tests/fuzz/change.c: changes made, taken back, and thought up. */
#include "change.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_BYTES = 8, WORD = 8, REACH = 4 /* words of zero behind one in use that are in use too */ };

enum meaning { RAW, ADDRESS, MAGNITUDE, COPY };

struct change {
    uint32_t place, value;
};

static struct {
    uint32_t offset;
    unsigned char bytes[WORD];
} made[CHANGES_MOST];
static size_t made_count;

/* --- images -------------------------------------------------------------------- */

struct change_image change_image_of(unsigned char *bytes, size_t size, uint64_t base) {
    struct change_image image = {.bytes = bytes, .size = size, .base = base};
    size_t reach = 0;
    image.used = malloc((size / WORD + 1) * sizeof(*image.used));
    if (!image.used || size < WORD || size >> 30 != 0)
        abort();
    for (size_t at = 0; at + WORD <= size; at += WORD) {
        uint64_t word;
        memcpy(&word, bytes + at, WORD);
        reach = word ? REACH : reach - (reach > 0);
        if (reach > 0)
            image.used[image.used_count++] = (uint32_t)at;
    }
    return image;
}

/* --- changes ------------------------------------------------------------------- */

/* The offset of a word. */
static size_t word_place(const struct change_image *image, uint32_t place) {
    return (place & 0x3fffffff) % (image->size / WORD * WORD) / WORD * WORD;
}

static uint64_t word_of(const struct change_image *image, const struct change *change) {
    uint64_t word;
    switch (change->place >> 30) {
    case ADDRESS:
        return image->base + change->value % image->size;
    case MAGNITUDE:
        word = (UINT64_C(1) << change->value % 64) + (uint64_t)(int64_t)(int8_t)(change->value >> 8);
        return change->value >> 16 & 1 ? 0 - word : word;
    default:
        memcpy(&word, image->bytes + word_place(image, change->value), WORD);
        return word;
    }
}

void change_make(const struct change_image *image, const uint8_t *data, size_t bytes) {
    made_count = 0;
    for (size_t at = 1; at + CHANGE_BYTES <= bytes && made_count < CHANGES_MOST; at += CHANGE_BYTES) {
        struct change change;
        memcpy(&change.place, data + at, sizeof(change.place));
        memcpy(&change.value, data + at + sizeof(change.place), sizeof(change.value));
        if (change.place >> 30 == RAW) {
            size_t place = change.place % (image->size - WORD);
            made[made_count].offset = (uint32_t)place;
            memcpy(made[made_count++].bytes, image->bytes + place, WORD);
            memcpy(image->bytes + place, &change.value, sizeof(change.value));
        } else {
            size_t place = word_place(image, change.place);
            uint64_t word = word_of(image, &change);
            made[made_count].offset = (uint32_t)place;
            memcpy(made[made_count++].bytes, image->bytes + place, WORD);
            memcpy(image->bytes + place, &word, WORD);
        }
    }
}

void change_undo(const struct change_image *image) {
    while (made_count > 0) {
        made_count--;
        memcpy(image->bytes + made[made_count].offset, made[made_count].bytes, WORD);
    }
}

/* --- as libFuzzer thinks them up --------------------------------------------------- */

/* libFuzzer's; not there where inputs are only replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t most, unsigned seed);

static uint64_t chance;

static uint32_t any(uint32_t below) {
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((chance >> 33) * below >> 31);
}

static uint32_t any_used(const struct change_image *image) {
    return image->used[any((uint32_t)image->used_count)];
}

/* Something near to what is there, or far from it. */
static uint32_t raw_value(const struct change_image *image, uint32_t place) {
    uint32_t old;
    memcpy(&old, image->bytes + place, sizeof(old));
    switch (any(5)) {
    case 0:
        return any(32);
    case 1:
        return old ^ UINT32_C(1) << any(32);
    case 2:
        return old + (any(2) ? 1 : UINT32_MAX) * (1 + any(64));
    case 3:
        return UINT32_MAX - any(2) * UINT32_C(0x80000000);
    default:
        return any(UINT32_C(0x7fffffff)) * 2 + any(2);
    }
}

static struct change change_new(const struct change_image *image) {
    enum meaning meaning = (enum meaning)any(4);
    uint32_t place = any_used(image), value = any_used(image);
    if (meaning == RAW) {
        place += any(2) ? 0 : any(WORD);
        if (place + WORD > image->size)
            place = (uint32_t)(image->size - WORD);
        value = raw_value(image, place);
    } else if (meaning == MAGNITUDE) {
        value = any(64) | any(8) << 8 | any(2) << 16;
        if (any(2))
            value |= UINT32_C(0xf8) << 8; /* a little less */
    } else if (meaning == ADDRESS && any(8) == 0) {
        value += any(64);
    }
    return (struct change){(uint32_t)meaning << 30 | place, value};
}

static void change_put(uint8_t *data, size_t number, const struct change *change) {
    memcpy(data + 1 + number * CHANGE_BYTES, &change->place, sizeof(change->place));
    memcpy(data + 1 + number * CHANGE_BYTES + sizeof(change->place), &change->value, sizeof(change->value));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    if (size == 0) {
        data[size++] = (uint8_t)any(256);
        return size;
    }
    const struct change_image *image = fuzz_image(data[0]);
    size_t count = (size - 1) / CHANGE_BYTES, what = any(16);
    if (what == 0)
        data[0] = (uint8_t)any(256); /* the same changes to another image */
    if (!image || what <= 1)
        return LLVMFuzzerMutate(data, size, most);
    size = 1 + count * CHANGE_BYTES;
    struct change change = change_new(image);
    if (what < 10 && size + CHANGE_BYTES <= most && count < CHANGES_MOST) {
        change_put(data, count, &change);
        return size + CHANGE_BYTES;
    }
    if (count == 0)
        return size;
    size_t at = any((uint32_t)count);
    if (what < 14) {
        change_put(data, at, &change);
        return size;
    }
    memmove(data + 1 + at * CHANGE_BYTES, data + 1 + (at + 1) * CHANGE_BYTES,
            (count - at - 1) * CHANGE_BYTES);
    return size - CHANGE_BYTES;
}

/* The first changes of one, the last of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t most, unsigned seed) {
    if (one_size == 0 || other_size == 0 || most == 0)
        return 0;
    chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    size_t first = any((uint32_t)((one_size - 1) / CHANGE_BYTES + 1)) * CHANGE_BYTES;
    size_t others = (other_size - 1) / CHANGE_BYTES * CHANGE_BYTES;
    size_t last = any((uint32_t)(others / CHANGE_BYTES + 1)) * CHANGE_BYTES;
    size_t room = (most - 1) / CHANGE_BYTES * CHANGE_BYTES;
    first = first < room ? first : room;
    last = last < room - first ? last : room - first;
    memcpy(out, one, 1 + first);
    memcpy(out + 1 + first, other + 1 + others - last, last);
    return 1 + first + last;
}

int change_run(const uint8_t *data, size_t bytes, void (*look)(const unsigned char *bytes, size_t count)) {
    if (bytes == 0)
        return 0;
    const struct change_image *image = fuzz_image(data[0]);
    if (image) {
        change_make(image, data, bytes);
        look(image->bytes, image->size);
        change_undo(image);
        return 0;
    }
    unsigned char *exact = malloc(bytes - 1);
    if (!exact && bytes > 1)
        abort();
    memcpy(exact, data + 1, bytes - 1);
    look(exact, bytes - 1);
    free(exact);
    return 0;
}
