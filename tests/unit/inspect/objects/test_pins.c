/* Nearly empty places, what lies in them, and the groups that hold them, in made-up processes of every
 * version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysed_core.h"
#include "inspect/objects/pins.h"

static void places_check(const struct neap_pins *pins) {
    uint64_t resident_bytes = 0;
    size_t pin = 0;
    for (size_t i = 0; i < pins->place_count; i++) {
        const struct neap_pin_place *place = &pins->places[i];
        assert_true(place->used_bytes * NEAP_PIN_SHARE < place->bytes);
        assert_true(i == 0 || place[-1].used_bytes <= place->used_bytes);
        assert_true(place->used_blocks > 0 && place->pin_count == place->used_blocks);
        assert_true(place->group_count > 0 && place->group_count <= place->pin_count);
        assert_int_equal(place->first_pin, pin);
        pin += place->pin_count;
        resident_bytes += place->resident_bytes;
    }
    assert_int_equal(pin, pins->pin_count);
    assert_true(resident_bytes == pins->resident_bytes && resident_bytes <= pins->total_bytes);
    assert_true(pins->place_count <= pins->place_total);
}

/* Resident bytes of the places of which every pin is in one of the first `count` groups. */
static uint64_t freed_by(const struct neap_pins *pins, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < pins->place_count; i++) {
        const struct neap_pin_place *place = &pins->places[i];
        bool all = true;
        for (uint32_t k = 0; k < place->pin_count; k++)
            all &= pins->pins[place->first_pin + k].group < count;
        bytes += all ? place->resident_bytes : 0;
    }
    return bytes;
}

/* A pin counts for its group; all groups together free all places. */
static void groups_check(const struct neap_pins *pins) {
    uint64_t objects = 0;
    for (size_t i = 0; i < pins->group_count; i++) {
        const struct neap_pin_group *group = &pins->groups[i];
        uint64_t counted = 0;
        for (size_t k = 0; k < pins->pin_count; k++)
            counted += pins->pins[k].group == i;
        assert_true(group->objects == counted && counted > 0);
        assert_true(i == 0 || group[-1].place_bytes >= group->place_bytes);
        assert_true(group->alone_places <= group->places && group->alone_bytes <= group->place_bytes);
        assert_true(group->cumulative_bytes == freed_by(pins, i + 1));
        objects += group->objects;
    }
    assert_true(objects == pins->pin_count);
    assert_true(freed_by(pins, pins->group_count) == pins->resident_bytes);
}

static void test_every_version(void **state) {
    (void)state;
    size_t places = 0;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        struct looked looked;
        struct neap_pins pins;
        look(i, &looked);
        assert_int_equal(neap_pins_find(looked.analysis.referrers, looked.analysis.paths, &pins), NEAP_OK);
        places_check(&pins);
        groups_check(&pins);
        places += pins.place_count;
        neap_pins_clear(&pins);
        end(&looked);
    }
    assert_true(places > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
