/* A census of made-up processes of every version: all of it found; and of those that lie, with bounded work.
 *
 * Work is what is read: bytes asked of the snapshot, however often the same ones.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/objects/census.h"
#include "inspect/objects/referrers.h"
#include "python_core.h"

static struct runtime_image made;
static struct neap_py_version version;
static struct python_core core;
static neap_snapshot_t *snapshot;
static struct neap_python_view view;
static struct neap_memory inner;
static uint64_t read_bytes;

static int counting_read(void *context, uint64_t address, void *out, size_t bytes) {
    (void)context;
    read_bytes += bytes;
    return inner.read(inner.context, address, out, bytes);
}

static const void *counting_view(void *context, uint64_t address, size_t bytes) {
    (void)context;
    read_bytes += bytes;
    return inner.view(inner.context, address, bytes);
}

static struct objects begin(size_t number) {
    version = *neap_py_version_at(number);
    version.interpreter_bytes = OBJECTS_INTERPRETER_BYTES;
    runtime_image_make(&made, &version);
    return objects_begin(&made);
}

/* What the image is now becomes a core file, which is opened. */
static void look(neap_census_t **census) {
    struct neap_fault fault;
    core = python_core_make(&made);
    assert_int_equal(neap_snapshot_read(core.bytes, core.size, &snapshot, &fault), NEAP_OK);
    assert_int_equal(neap_python_view_open(snapshot, &view), NEAP_OK);
    inner = view.memory;
    view.memory = (struct neap_memory){counting_read, counting_view, NULL};
    read_bytes = 0;
    assert_int_equal(neap_census_make(&view, 1, census), NEAP_OK);
}

static void end(neap_census_t *census) {
    neap_census_destroy(census);
    neap_python_view_close(&view);
    neap_snapshot_destroy(snapshot);
    free(core.bytes);
    close(core.file);
    free(made.image.bytes);
}

static void test_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        neap_census_t *census;
        struct objects objects = begin(i);
        objects_fill(&objects);
        look(&census);
        const struct neap_census_facts *facts = neap_census_facts(census);
        assert_int_equal(view.version->minor, version.minor);
        assert_int_equal(view.limits, 0);
        assert_int_equal(facts->rejected, 0);
        assert_int_equal(facts->unknown_blocks, 0);
        assert_true(facts->total.objects >= objects.count && facts->fixed.objects > 0);
        end(census);
    }
}

/* The kinds of liar: each makes one object that claims what many others claim as well. */

static void liar_dict(struct objects *objects, uint64_t shared) {
    uint64_t dict = image_object(objects->image, objects->image->dict, NEAP_PY_GC_HEAD, NEAP_PY_DICT_BYTES);
    objects_words(objects, dict, NEAP_PY_DICT_USED, (const uint64_t[]){1000, 0, shared}, 3);
}

/* Its entries are said to be in itself, and to go on without end. */
static void liar_set(struct objects *objects, uint64_t shared) {
    (void)shared;
    uint64_t set = image_object(objects->image, objects->image->set, NEAP_PY_GC_HEAD, NEAP_PY_SET_BYTES);
    objects_words(objects, set, NEAP_PY_SET_USED,
                  (const uint64_t[]){7, (UINT64_C(1) << 40) - 1, set + NEAP_PY_SET_SMALL}, 3);
}

/* A tuple whose type says that items take no room. */
static void liar_tuple(struct objects *objects, uint64_t shared) {
    (void)shared;
    uint64_t tuple = image_tuple(objects->image, NULL, 0);
    image_word(objects->image, objects->image->tuple + NEAP_PY_TP_ITEMSIZE, 0);
    image_word(objects->image, tuple + NEAP_PY_VAR_SIZE, UINT64_C(1) << 40);
}

/* Blocks of deques and nodes of ordered dicts in a ring. */
static void liar_deque(struct objects *objects, uint64_t shared) {
    image_word(objects->image, shared + 65 * 8, shared);
    uint64_t deque = image_object(objects->image, objects->deque, NEAP_PY_GC_HEAD, OBJECT_BYTES);
    objects_words(objects, deque, 16, (const uint64_t[]){UINT64_C(1) << 50, shared, shared, 0, 0}, 5);
}

static void liar_odict(struct objects *objects, uint64_t shared) {
    image_word(objects->image, shared + 16, shared);
    uint64_t odict = image_object(objects->image, objects->odict, NEAP_PY_GC_HEAD, OBJECT_BYTES);
    image_word(objects->image, odict + NEAP_PY_DICT_USED, UINT64_C(1) << 50);
    image_word(objects->image, odict + NEAP_PY_DICT_KEYS, image_keys(objects->image, NULL, 0));
    image_word(objects->image, odict + 48, shared);
}

/* A table of 2^40 keys, of each of which a few bytes are there. */
static void liar_table(struct objects *objects, uint64_t shared) {
    uint64_t keys = image_keys(objects->image, NULL, 0);
    (void)shared;
    if (version.keys_log2)
        image_put(objects->image, keys + 8, 40 | 42 << 8, 2);
    else
        image_word(objects->image, keys + 8, UINT64_C(1) << 40);
    image_word(objects->image, keys + (uint64_t)version.keys_nentries, UINT64_C(1) << 39);
    liar_dict(objects, keys);
}

/* Types above each other in a ring, and an object of one. */
static void liar_type(struct objects *objects, uint64_t shared) {
    struct python_image *image = objects->image;
    (void)shared;
    uint64_t one = image_type(image, "One", image->object, 32, 0, 0);
    uint64_t other = image_type(image, "Other", one, 32, 0, 0);
    image_word(image, one + NEAP_PY_TP_BASE, other);
    image_word(image, one + NEAP_PY_OBJECT_TYPE, other);
    image_object(image, other, 0, 32);
}

/* Bytes read of a process with many liars of a kind; NULL: of one without. */
static uint64_t read_of(size_t number, void (*liar)(struct objects *objects, uint64_t shared)) {
    enum { LIARS = 20, BLOCK_BYTES = 1 << 10, KEYS_LOG2 = 12, KEYS = 2700 };
    static const uint64_t pairs[2 * KEYS];
    neap_census_t *census;
    struct objects objects = begin(number);
    uint64_t shared = liar == liar_dict ? image_keys_sized(&made.image, pairs, KEYS, KEYS_LOG2)
                                        : image_block(&made.image, BLOCK_BYTES);
    if (liar == liar_dict)
        image_word(&made.image, shared, 2);
    objects_fill(&objects);
    for (size_t i = 0; liar && i < LIARS; i++)
        liar(&objects, shared);
    look(&census);
    end(census);
    return read_bytes;
}

/* However many claim the same: no more is read for them all than the process has bytes. */
static void test_liars(void **state) {
    (void)state;
    static void (*const liars[])(struct objects *, uint64_t) = {
        liar_dict, liar_set, liar_tuple, liar_deque, liar_odict, liar_table, liar_type};
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        uint64_t most = read_of(i, NULL) + core.size;
        for (size_t k = 0; k < sizeof(liars) / sizeof(liars[0]); k++)
            assert_in_range(read_of(i, liars[k]), 1, most);
    }
}

/* Lists that all have the same array: no more of them are believed than the process has bytes for. */
static void test_shared_array(void **state) {
    (void)state;
    enum { LISTS = 120, ITEMS = (1 << 17) - 1 };
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        neap_census_t *census;
        struct objects objects = begin(i);
        const uint64_t array[] = {ITEMS, image_block(&made.image, 1 << 16), ITEMS};
        for (size_t k = 0; k < LISTS; k++)
            objects_words(&objects, image_list(&made.image, NULL, 0), NEAP_PY_VAR_SIZE, array, 3);
        look(&census);
        const struct neap_census_facts *facts = neap_census_facts(census);
        assert_in_range(neap_census_sum_bytes(&facts->total), 1 << 25, 2 * core.size + (1 << 26));
        end(census);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_liars),
        cmocka_unit_test(test_shared_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
