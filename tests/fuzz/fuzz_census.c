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
#include "inspect/space/claim_spans.h"
#include "inspect/objects/object_detail.h"
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
                     neap_owner_paths_t *paths) {
    static const enum neap_census_key keys[] = {NEAP_CENSUS_TYPE, NEAP_CENSUS_OWNER, NEAP_CENSUS_SIZE,
                                                NEAP_CENSUS_ARENA};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct neap_census_rows rows;
        uint64_t objects = 0;
        if (neap_census_rows_make(census, keys[i], referrers, paths, &rows) != NEAP_OK)
            continue;
        for (size_t k = 0; k < rows.count; k++)
            objects += rows.rows[k].sum.objects;
        require(objects == rows.objects);
        neap_census_rows_clear(&rows);
    }
}

static void largest_use(const struct neap_analysis *analysis) {
    struct neap_object_details details;
    if (neap_object_details_find(analysis, "dict", LARGEST, true, &details) != NEAP_OK)
        return;
    for (size_t i = 0; i < details.count; i++)
        require(neap_census_is_object(analysis->census, details.list[i].largest.ordinal));
    neap_object_details_clear(&details);
}

static void owners_use(const struct neap_analysis *analysis) {
    struct neap_pins pins;
    struct neap_advices advices;
    rows_use(analysis->census, analysis->referrers, analysis->paths);
    largest_use(analysis);
    if (neap_pins_find(analysis->referrers, analysis->paths, &pins) == NEAP_OK)
        neap_pins_clear(&pins);
    if (neap_advice_find(analysis->referrers, analysis->paths, ADVICES, &advices) == NEAP_OK)
        neap_advice_clear(&advices);
}

static void census_check(const neap_census_t *census) {
    const struct neap_census_facts *facts = neap_census_facts(census);
    const char *why;
    require(neap_block_index_check(neap_census_index(census), &why));
    require(facts->live_blocks == facts->object_blocks + facts->parked_blocks + facts->buffer_blocks +
                                      facts->code_blocks + facts->unknown_blocks);
}

static void account_use(neap_snapshot_t *snapshot, const struct neap_python_view *view,
                        const neap_census_t *census) {
    struct neap_glibc_facts glibc;
    struct neap_account_heap heap;
    struct neap_memory_account account;
    const char *why;
    require(neap_claim_spans(snapshot, &view->blocks, NULL, NULL, &glibc) == NEAP_OK);
    require(neap_process_image_check(view->image, &why));
    neap_census_account(census, &heap);
    neap_memory_account_make(view->image, &heap, &account);
}

static void look(neap_snapshot_t *snapshot) {
    static struct neap_python_view view; /* too large for a stack */
    struct neap_analysis analysis;
    if (neap_python_view_open(snapshot, &view) != NEAP_OK)
        return;
    if (neap_analysis_open(&view, 1, NEAP_ANALYSIS_OWNERS, &analysis) == NEAP_OK) {
        census_check(analysis.census);
        owners_use(&analysis);
        account_use(snapshot, &view, analysis.census);
        neap_analysis_close(&analysis);
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
