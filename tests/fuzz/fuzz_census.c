/* Fuzz target: a whole Python, from a core file to advice.
 *
 * Changes (change.h) to a sound core file of a Python with objects of every kind; the first byte chooses the
 * version, and its bit 6 an image with large containers. Then all that the verbs look, map, pins and advise
 * ask is asked. Whatever comes of it, nothing outside the core is touched, the census adds up, and
 * the work is bounded: by libFuzzer's limits on time and memory.
 */
#include <stdint.h>

#include "../unit/inspect/objects/python_core.h"
#include "change.h"
#include "advice/advice.h"
#include "inspect/objects/census_rows.h"
#include "inspect/space/image_survey.h"
#include "inspect/objects/largest.h"
#include "inspect/objects/pins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { LARGE = 0x40, LARGEST = 3, ADVICES = 10 };

static struct change_image images[2][OBJECTS_VERSIONS];

const struct change_image *fuzz_image(uint8_t how) {
    size_t number = (how & (LARGE - 1)) % neap_py_version_count();
    bool large = how & LARGE;
    struct change_image *image = &images[large][number];
    if (!image->bytes) {
        struct python_core core = python_core_make(objects_image(number, large));
        *image = change_image_of(core.bytes, core.size, IMAGE_BASE - PYTHON_CORE_IMAGE);
    }
    return image;
}

static void require(bool holds) {
    if (!holds)
        abort();
}

/* --- what the verbs ask ------------------------------------------------------------ */

static void rows_use(const neap_census_t *census, const neap_referrers_t *referrers,
                     neap_holders_t *holders) {
    static const enum neap_census_key keys[] = {NEAP_CENSUS_TYPE, NEAP_CENSUS_OWNER, NEAP_CENSUS_SIZE,
                                                NEAP_CENSUS_ARENA};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct neap_census_rows rows;
        uint64_t objects = 0;
        if (neap_census_rows_make(census, keys[i], referrers, holders, &rows) != NEAP_OK)
            continue;
        for (size_t k = 0; k < rows.count; k++)
            objects += rows.rows[k].sum.objects;
        require(objects == rows.objects);
        neap_census_rows_clear(&rows);
    }
}

static bool referrer_see(void *context, uint32_t object, uint32_t referrer) {
    neap_census_t *census = context;
    require(neap_census_is_object(census, object) && neap_census_is_object(census, referrer));
    return true;
}

static void largest_use(neap_census_t *census, const neap_referrers_t *referrers, neap_holders_t *holders) {
    struct neap_largest largest[LARGEST];
    uint32_t ordinals[LARGEST];
    size_t count = 0;
    uint64_t total;
    char text[NEAP_HOLDER_TEXT_ROOM];
    if (neap_largest_find(census, "dict", LARGEST, largest, &count, &total) != NEAP_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        ordinals[i] = largest[i].ordinal;
        neap_holders_text(holders, neap_holders_of(holders, ordinals[i]), text, sizeof(text));
    }
    neap_referrers_each(referrers, ordinals, count, referrer_see, census);
}

static void holders_use(neap_census_t *census, const neap_referrers_t *referrers, neap_holders_t *holders) {
    struct neap_pins pins;
    struct neap_advices advices;
    rows_use(census, referrers, holders);
    largest_use(census, referrers, holders);
    if (neap_pins_find(referrers, holders, &pins) == NEAP_OK)
        neap_pins_clear(&pins);
    if (neap_advice_find(referrers, holders, ADVICES, &advices) == NEAP_OK)
        neap_advice_clear(&advices);
}

static void census_use(neap_census_t *census) {
    const struct neap_census_facts *facts = neap_census_facts(census);
    neap_referrers_t *referrers = NULL;
    const char *why;
    require(neap_block_index_check(neap_census_index(census), &why));
    require(facts->live_blocks == facts->object_blocks + facts->parked_blocks + facts->buffer_blocks +
                                      facts->code_blocks + facts->unknown_blocks);
    if (neap_referrers_make(census, &referrers) != NEAP_OK)
        return;
    neap_holders_t *holders = neap_holders_new(referrers);
    if (holders)
        holders_use(census, referrers, holders);
    neap_holders_destroy(holders);
    neap_referrers_destroy(referrers);
}

static void account_use(neap_snapshot_t *snapshot, const struct neap_python_view *view,
                        const neap_census_t *census) {
    struct neap_glibc_facts glibc;
    struct neap_account_heap heap;
    struct neap_memory_account account;
    const char *why;
    require(neap_image_survey(snapshot, &view->blocks, NULL, NULL, &glibc) == NEAP_OK);
    require(neap_process_image_check(view->image, &why));
    neap_census_account(census, &heap);
    neap_memory_account_make(view->image, &heap, &account);
}

static void look(neap_snapshot_t *snapshot) {
    static struct neap_python_view view; /* too large for a stack */
    neap_census_t *census = NULL;
    if (neap_python_view_open(snapshot, &view) != NEAP_OK)
        return;
    if (neap_census_make(&view, 1, &census) == NEAP_OK) {
        census_use(census);
        account_use(snapshot, &view, census);
        neap_census_destroy(census);
    }
    neap_python_view_close(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    neap_snapshot_t *snapshot = NULL;
    struct neap_fault fault;
    if (bytes == 0)
        return 0;
    const struct change_image *image = fuzz_image(data[0]);
    change_make(image, data, bytes);
    if (neap_snapshot_read(image->bytes, image->size, &snapshot, &fault) == NEAP_OK) {
        look(snapshot);
        neap_snapshot_destroy(snapshot);
    }
    change_undo(image);
    return 0;
}
