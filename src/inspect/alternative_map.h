/* inspect/alternative_map.h: what the same entries would take in a neap.Map.
 *
 * The map's own structure (containers/map_model.h, map_slot.h draw it) with the real sizes
 * of the entries and made-up hashes: groups by linear hashing, each in the least slot that
 * holds it, slots in trays of which every shelf's last is half full. So it is after
 * trim(); a map that has just been filled may have some percent more. tests/system/
 * test_advise.py holds it against neap.Map. One thread.
 */
#ifndef NEAP_INSPECT_ALTERNATIVE_MAP_H
#define NEAP_INSPECT_ALTERNATIVE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed one is empty. */
struct neap_alternative_map {
    uint16_t *sizes; /* of each entry: its texts, as they lie in a group */
    size_t count, room;
    uint64_t far_bytes; /* of texts that do not */
    bool starved;       /* memory ran out: there is no result */
};

/* Adds an entry with texts of so many bytes; UINT64_MAX for a key or value that is a number. */
void neap_alternative_map_add(struct neap_alternative_map *map, uint64_t key_text, uint64_t value_text);

/* Bytes of a map whose numbers take so many bytes (0: a text), and forgets the entries; 0 if memory
 * ran out. */
uint64_t neap_alternative_map_end(struct neap_alternative_map *map, unsigned key_number,
                                  unsigned value_number);

#endif
