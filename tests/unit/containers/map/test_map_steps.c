/* What one call on a map may do at most, whatever the map holds: groups that change their
 * place or are made, bytes of them, blocks asked for. The same bounds for small maps and
 * large ones; only the tables of pointers may be moved as a whole, and they are small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "containers/map/map_model.h"
#include "containers/map/map_slot.h"

enum {
    /* An entry that comes: its group moves, one is split; one that goes: its group moves, two are
     * merged. Each slot that is left may have two others moved into holes. */
    GROUPS_MAX = 8,
    BLOCKS_MAX = 24,
    GROUP_BYTES_MAX = GROUPS_MAX * NEAP_MAP_SLOT_BYTES_MAX,
    TABLE_SHARE = 64 /* an entry has so many times the bytes of its share of tables: 1 to 2 */
};

/* --- an allocator that counts what a call does --- */

struct meter {
    uint64_t blocks;      /* calls */
    uint64_t moved_bytes; /* that a realloc may have copied */
};

static struct meter meter;

static void *meter_alloc(void *context, size_t bytes) {
    (void)context;
    meter.blocks++;
    return malloc(bytes);
}

static void *meter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    (void)context;
    meter.blocks++;
    meter.moved_bytes += old_bytes;
    return realloc(block, bytes);
}

static void meter_free(void *context, void *block, size_t bytes) {
    (void)context, (void)bytes;
    meter.blocks += block != NULL;
    free(block);
}

/* --- groups before and after --- */

struct places {
    struct neap__map_group **of; /* by number, as they were before the call */
    uint32_t count, room;
};

static void note(struct places *places, const neap_map_t *map) {
    if (places->room < map->group_count + 1) {
        places->room = 2 * (map->group_count + 1);
        places->of = realloc(places->of, places->room * sizeof(struct neap__map_group *));
    }
    places->count = map->group_count;
    for (uint32_t i = 0; i < places->count; i++)
        places->of[i] = map->first_leaf_room > 0 ? *neap__map_place(map, i) : NULL;
}

/* Groups that lie elsewhere than noted, new ones included, and their bytes. */
static void verify(const struct places *places, const neap_map_t *map) {
    uint64_t groups = 0, bytes = 0;
    assert_true(map->group_count <= places->count + 1 && places->count <= map->group_count + 1);
    for (uint32_t i = 0; i < map->group_count; i++) {
        const struct neap__map_group *now = *neap__map_place(map, i);
        if (!now || (i < places->count && places->of[i] == now))
            continue;
        groups++;
        bytes += now->used;
    }
    assert_true(groups <= GROUPS_MAX);
    assert_true(bytes <= GROUP_BYTES_MAX);
    assert_true(meter.blocks <= BLOCKS_MAX);
    assert_true(meter.moved_bytes <= map->bytes / TABLE_SHARE + 4096);
}

/* --- walks --- */

static uint64_t random_state;

static uint64_t random_next(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 20;
}

/* Key `number`: a text of 1 to 20 letters. */
static union neap_item key_of(uint64_t number, char room[24]) {
    int bytes = snprintf(room, 24, "%llx", (unsigned long long)(number * 0x9e3779b97f4a7c15u));
    bytes -= (int)(number % 7);
    return (union neap_item){.text = {room, (size_t)(bytes > 0 ? bytes : 1)}};
}

/* Grows to `entries` and shrinks to none, some of both in between; every `every`-th call is looked at. */
static void walk(uint64_t entries, uint64_t every) {
    struct neap_allocator allocator = {meter_alloc, meter_realloc, meter_free, NULL, NULL};
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, &allocator);
    struct places places = {0};
    char room[24];
    for (uint64_t step = 0; step < 2 * entries; step++) {
        bool looked_at = random_next() % every == 0, growing = step < entries;
        union neap_item key = key_of(random_next() % entries, room);
        if (growing || random_next() % 8 == 0)
            key = key_of(growing ? step : random_next() % entries, room), growing = true;
        if (looked_at)
            note(&places, map);
        meter = (struct meter){0};
        if (growing)
            assert_int_equal(neap_map_put(map, key, (union neap_item){.u = step & 0xffff}, NULL), NEAP_OK);
        else
            neap_map_remove(map, key);
        if (looked_at)
            verify(&places, map);
    }
    union neap_item key, value;
    while (neap_map_any(map, &key, &value)) {
        bool looked_at = random_next() % every == 0;
        memcpy(room, key.text.data, key.text.bytes);
        key.text.data = room;
        if (looked_at)
            note(&places, map);
        meter = (struct meter){0};
        assert_true(neap_map_remove(map, key));
        if (looked_at)
            verify(&places, map);
    }
    free(places.of);
    neap_map_destroy(map);
}

static void a_small_map(void **state) {
    (void)state;
    random_state = 1;
    walk(3000, 1);
}

static void a_large_map(void **state) {
    (void)state;
    random_state = 2;
    walk(400000, 50);
}

/* Puts `sign`, or nothing, into all places of groups that were emptied and lie above that of the last
 * removal. */
static uint32_t mark_emptied(neap_map_t *map, struct neap__map_group *from, struct neap__map_group *sign) {
    uint32_t marked = 0;
    for (uint32_t i = map->last_removed + 1; i < map->group_count; i++) {
        if (*neap__map_place(map, i) == from) {
            *neap__map_place(map, i) = sign;
            marked++;
        }
    }
    return marked;
}

/* A map that is emptied from one end has no entry there for long: whoever began at that end each time would
 * look at all these groups for each entry. They get a sign that would be found. */
static void the_search_for_any_entry_skips_what_it_has_emptied(void **state) {
    (void)state;
    const uint64_t entries = 20000, sign = UINT64_MAX;
    neap_map_t *map = neap_map_new(NEAP_KIND_U64, NEAP_KIND_NONE, NULL);
    neap_map_t *other = neap_map_new(NEAP_KIND_U64, NEAP_KIND_NONE, NULL);
    union neap_item key;
    uint32_t marked = 0;
    assert_int_equal(neap_map_put(other, (union neap_item){.u = sign}, (union neap_item){.u = 0}, NULL),
                     NEAP_OK);
    for (uint64_t i = 0; i < entries; i++)
        assert_int_equal(neap_map_put(map, (union neap_item){.u = i}, (union neap_item){.u = 0}, NULL),
                         NEAP_OK);
    for (uint64_t i = 0; i < entries; i++) {
        uint32_t now = mark_emptied(map, NULL, *neap__map_place(other, 0));
        marked = now > marked ? now : marked;
        assert_true(neap_map_any(map, &key, NULL));
        assert_true(key.u != sign);
        mark_emptied(map, *neap__map_place(other, 0), NULL);
        assert_true(neap_map_remove(map, key));
    }
    assert_true(marked > 20 && !neap_map_any(map, &key, NULL));
    neap_map_destroy(map);
    neap_map_destroy(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_for_any_entry_skips_what_it_has_emptied),
        cmocka_unit_test(a_small_map),
        cmocka_unit_test(a_large_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
