/* cast/air/air.c: the beginning and the end of what loops share. */
#include "cast/air/air.h"

#include <neap/error.h>

int cast_air_open(struct cast_air *air) {
    *air = (struct cast_air){.words = cast_words_new()};
    return air->words ? NEAP_OK : NEAP_ERROR_MEMORY;
}

void cast_air_close(struct cast_air *air) {
    cast_mounts_clear(&air->mounts);
    cast_address_counts_clear(&air->addresses);
    cast_words_destroy(air->words);
    air->words = NULL;
}
