/* Objects and types of made-up processes of every version: what they are, own and refer to; and liars. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "python_image.h"

static struct python_image image;
static struct neap_memory memory;
static struct neap_pymalloc found;
static neap_py_types_t *types;
static struct neap_py_lens lens;

static void look(bool in_place) {
    memory = image_memory(&image, in_place);
    assert_int_equal(neap_pymalloc_find(&memory, image.version, &image.range, 1, &found), NEAP_OK);
    struct neap_block_source source = neap_pymalloc_source(&found);
    types = neap_py_types_new(&memory, image.version);
    assert_int_equal(neap_py_types_root(types, 0, &source), NEAP_OK);
    neap_py_lens_init(&lens, types);
    image.read_bytes = 0;
}

static void each_version(void (*test)(bool in_place)) {
    for (size_t i = 0; i < neap_py_version_count(); i++)
        for (int in_place = 0; in_place < 2; in_place++) {
            image_make(&image, neap_py_version_at(i));
            test(in_place != 0);
            neap_py_types_delete(types);
            neap_pymalloc_close(&found);
            free(image.bytes);
        }
}

/* The object at `address`, found in its block as well as by its address. */
static struct neap_py_object object_of(uint64_t address) {
    struct neap_block_source source = neap_pymalloc_source(&found);
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    struct neap_py_object object, same;
    uint32_t holder, index, block = 0;
    assert_true(neap_py_object_at(&lens, address, &object));
    if (source.find(source.context, address, &holder, &index)) {
        assert_int_equal(source.batch(source.context, holder, index, batch), NEAP_OK);
        assert_true(neap_block_batch_index(batch, address, &block));
        uint64_t place = neap_block_batch_at(batch, block);
        assert_true(neap_py_object_in_block(&lens, place, image.bytes + (place - IMAGE_BASE),
                                            batch->block_bytes, &same));
        assert_int_equal(same.address, address);
        assert_ptr_equal(same.type, object.type);
        assert_int_equal(same.block_bytes, object.block_bytes);
        assert_int_equal(same.items, object.items);
    }
    free(batch);
    return object;
}

struct seen {
    struct neap_py_referent referents[64];
    struct neap_py_buffer buffers[64];
    size_t count, buffer_count;
};

static bool see(void *context, const struct neap_py_referent *referent) {
    struct seen *seen = context;
    assert_true(seen->count < 64);
    seen->referents[seen->count++] = *referent;
    return true;
}

static void see_buffer(void *context, const struct neap_py_buffer *buffer) {
    struct seen *seen = context;
    assert_true(seen->buffer_count < 64);
    seen->buffers[seen->buffer_count++] = *buffer;
}

static struct neap_py_measure whole(const struct neap_py_object *object, struct seen *seen) {
    struct neap_py_measure measure;
    memset(seen, 0, sizeof(*seen));
    assert_int_equal(neap_py_object_measure(&lens, object, &measure, see_buffer, seen), NEAP_OK);
    assert_int_equal(neap_py_object_visit(&lens, object, see, seen), NEAP_OK);
    return measure;
}

/* --- sound ones -------------------------------------------------------------------- */

static void text(bool in_place) {
    char words[64];
    uint64_t at = image_str(&image, "spam and eggs");
    look(in_place);
    struct neap_py_object object = object_of(at);
    struct seen seen;
    assert_string_equal(object.type->name, "str");
    assert_int_equal(object.type->kind, NEAP_PY_STR);
    assert_int_equal(object.items, 13);
    assert_int_equal(whole(&object, &seen).sizeof_bytes, (uint64_t)image.version->str_ascii_bytes + 14);
    assert_int_equal(seen.count + seen.buffer_count, 0);
    neap_py_object_describe(&lens, &object, false, words, sizeof(words));
    assert_string_equal(words, "str, 13 characters");
    neap_py_object_describe(&lens, &object, true, words, sizeof(words));
    assert_string_equal(words, "str 'spam and eggs'");
    neap_py_object_describe(&lens, &object, true, words, 8);
    assert_string_equal(words, "str 'sp");
    assert_true(neap_py_object_text(&lens, at, words, 8));
    assert_string_equal(words, "spam...");
    image.bytes[at + (uint64_t)image.version->str_ascii_bytes - IMAGE_BASE] =
        27; /* what a terminal acts upon */
    assert_true(neap_py_object_text(&lens, at, words, sizeof(words)));
    assert_string_equal(words, "?pam and eggs");
}

static void test_text(void **state) {
    (void)state;
    each_version(text);
}

static void containers(bool in_place) {
    uint64_t one = image_str(&image, "one"), two = image_str(&image, "two");
    const uint64_t items[] = {one, two, one}, pairs[] = {one, two, two, one};
    uint64_t tuple = image_tuple(&image, items, 3), list = image_list(&image, items, 3);
    uint64_t dict = image_dict(&image, pairs, 2), empty = image_list(&image, NULL, 0);
    look(in_place);
    struct seen seen;
    struct neap_py_object object = object_of(tuple);
    uint64_t head = (uint64_t)image.version->tuple_items;
    assert_int_equal(whole(&object, &seen).sizeof_bytes, 16 + head + 24);
    assert_int_equal(object.block_bytes, 16 + head + 24);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.referents[1].address, two);
    assert_int_equal(seen.referents[1].index, 1);
    assert_int_equal(seen.referents[1].edge, NEAP_PY_EDGE_INDEX);
    assert_true(seen.referents[1].exact);
    object = object_of(list);
    assert_int_equal(whole(&object, &seen).own_bytes, 16 + 40 + 24);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.buffer_count, 1);
    assert_int_equal(seen.buffers[0].bytes, 24);
    assert_int_equal(seen.buffers[0].kind, NEAP_PY_BUFFER_ITEMS);
    object = object_of(empty);
    whole(&object, &seen);
    assert_int_equal(seen.count + seen.buffer_count, 0);
    object = object_of(dict);
    struct neap_py_measure measure = whole(&object, &seen);
    uint64_t keys = (uint64_t)image.version->keys_header + 8 + 5u * (image.version->keys_log2 ? 16 : 24);
    assert_int_equal(measure.sizeof_bytes, 16 + 48 + keys);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.referents[3].address, one);
    assert_int_equal(seen.referents[3].key, two);
    assert_int_equal(seen.referents[3].edge, NEAP_PY_EDGE_VALUE);
    assert_int_equal(seen.buffers[0].bytes, keys);
    assert_false(seen.buffers[0].shared);
}

static void test_containers(void **state) {
    (void)state;
    each_version(containers);
}

static void a_class(bool in_place) {
    /* class app.Point: __slots__ = ("x", "y"), then a subclass of it. */
    uint64_t slots =
        image_type(&image, "Point", image.object, 32, 0, NEAP_PY_TPFLAG_HEAP | NEAP_PY_TPFLAG_GC);
    uint64_t members = slots + (uint64_t)image.version->heap_type_bytes;
    const uint64_t pairs[] = {image_str(&image, "__module__"), image_str(&image, "app")};
    image_word(&image, slots + NEAP_PY_TP_DICT, image_dict(&image, pairs, 1));
    image_word(&image, slots + NEAP_PY_VAR_SIZE, 2);
    for (uint64_t i = 0; i < 2; i++) {
        image_word(&image, members + i * NEAP_PY_MEMBER_DEF, image_text(&image, i ? "y" : "x"));
        image_put(&image, members + i * NEAP_PY_MEMBER_DEF + NEAP_PY_MEMBER_TYPE, NEAP_PY_MEMBER_OBJECT_EX,
                  4);
        image_word(&image, members + i * NEAP_PY_MEMBER_DEF + NEAP_PY_MEMBER_OFFSET, 16 + 8 * i);
    }
    uint64_t opaque = image_type(&image, "fast.Grid", image.object, 64, 0, 0);
    uint64_t value = image_str(&image, "value");
    uint64_t point = image_object(&image, slots, NEAP_PY_GC_HEAD, 32);
    uint64_t grid = image_object(&image, opaque, 0, 64);
    image_word(&image, point + 24, value);
    image_word(&image, grid + 40, value);
    image_word(&image, grid + 48, 17);
    look(in_place);
    struct seen seen;
    struct neap_py_object object = object_of(point);
    assert_string_equal(object.type->name, "app.Point");
    assert_string_equal(object.type->module, "app");
    assert_int_equal(object.type->kind, NEAP_PY_PLAIN);
    assert_int_equal(object.type->member_count, 2);
    assert_true(object.type->flags & NEAP_PY_TYPE_EXACT);
    whole(&object, &seen);
    assert_int_equal(seen.count, 2); /* its type and y */
    assert_int_equal(seen.referents[0].edge, NEAP_PY_EDGE_TYPE);
    assert_string_equal(seen.referents[1].name, "y");
    object = object_of(grid);
    assert_string_equal(object.type->name, "fast.Grid");
    assert_int_equal(object.type->kind, NEAP_PY_OPAQUE);
    whole(&object, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.referents[0].index, 40);
    assert_false(seen.referents[0].exact);
}

static void test_a_class(void **state) {
    (void)state;
    each_version(a_class);
}

static void refcounts(bool in_place) {
    uint64_t parked = image_str(&image, "parked"), immortal = image_str(&image, "immortal");
    uint64_t pointer = image_str(&image, "pointer");
    image_word(&image, parked, 0);
    image_word(&image, immortal, UINT32_MAX);
    look(in_place);
    assert_true(object_of(parked).flags & NEAP_PY_OBJECT_PARKED);
    assert_int_equal((object_of(immortal).flags & NEAP_PY_OBJECT_IMMORTAL) != 0, image.version->immortal);
    /* A pointer is no refcount, unless free lists chain through there. */
    struct neap_py_object object;
    image_word(&image, pointer, parked);
    assert_int_equal(neap_py_object_at(&lens, pointer, &object), image.version->parked_by_link);
    image_word(&image, pointer, image.arenas[1]);
    assert_false(neap_py_object_at(&lens, pointer, &object));
}

static void test_refcounts(void **state) {
    (void)state;
    each_version(refcounts);
}

/* --- liars --------------------------------------------------------------------------- */

/* Whatever comes of it, it ends, and reads no more than there is. */
static void survive(uint64_t address) {
    struct neap_py_object object;
    struct neap_py_measure measure;
    struct seen seen = {.count = 0};
    char words[40];
    image.read_bytes = 0;
    if (!neap_py_object_at(&lens, address, &object))
        return;
    int error = neap_py_object_measure(&lens, &object, &measure, see_buffer, &seen);
    error |= neap_py_object_visit(&lens, &object, see, &seen);
    neap_py_object_describe(&lens, &object, true, words, sizeof(words));
    assert_true(error != NEAP_OK && lens.rejected != 0);
    assert_true(image.read_bytes < 2 * image.size);
}

static void sizes_that_lie(bool in_place) {
    const uint64_t lengths[] = {INT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 62, UINT64_C(1) << 40};
    uint64_t one = image_str(&image, "one");
    const uint64_t items[] = {one, one}, pairs[] = {one, one};
    uint64_t list = image_list(&image, items, 2), tuple = image_tuple(&image, items, 2);
    uint64_t dict = image_dict(&image, pairs, 1);
    uint64_t keys = image_get(&image, dict + NEAP_PY_DICT_KEYS);
    look(in_place);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        image_word(&image, list + NEAP_PY_VAR_SIZE, lengths[i]);
        image_word(&image, list + NEAP_PY_LIST_ALLOCATED, lengths[i]);
        survive(list);
        image_word(&image, tuple + NEAP_PY_VAR_SIZE, lengths[i]);
        survive(tuple);
        image_word(&image, keys + (uint64_t)image.version->keys_nentries, lengths[i]);
        survive(dict);
    }
    image_word(&image, keys + (uint64_t)image.version->keys_nentries,
               6); /* one more than there is room for */
    survive(dict);
    image_word(&image, dict + NEAP_PY_DICT_KEYS, dict + 1);
    survive(dict);
    image_word(&image, dict + NEAP_PY_DICT_KEYS, UINT64_MAX - 7);
    survive(dict);
}

static void test_sizes_that_lie(void **state) {
    (void)state;
    each_version(sizes_that_lie);
}

static void types_that_lie(bool in_place) {
    uint64_t text_bytes = 3000, endless = image_static(&image, text_bytes);
    memset(image.bytes + (endless - IMAGE_BASE), 'x', text_bytes);
    uint64_t loop = image_type(&image, "Loop", image.object, 16, 0, NEAP_PY_TPFLAG_HEAP);
    uint64_t other = image_type(&image, "Other", loop, 16, 0, NEAP_PY_TPFLAG_HEAP);
    uint64_t long_name = image_type(&image, "Long", image.object, 16, 0, NEAP_PY_TPFLAG_HEAP);
    uint64_t huge = image_type(&image, "Huge", image.object, UINT64_C(1) << 62, 0, 0);
    uint64_t meta = image_type(&image, "Meta", image.type, 900, 0, NEAP_PY_TPFLAG_TYPE | NEAP_PY_TPFLAG_HEAP);
    uint64_t no_meta = image_type(&image, "NoMeta", image.object, 16, 0, 0);
    uint64_t crowd = image_type(&image, "Crowd", image.object, 1 << 19, 0, NEAP_PY_TPFLAG_HEAP);
    image_word(&image, loop + NEAP_PY_TP_BASE, other);
    image_word(&image, meta + 8, meta); /* its own type, and yet not `type` */
    image_word(&image, no_meta + 8, image.str);
    image_word(&image, long_name + NEAP_PY_TP_NAME, endless);
    image_word(&image, crowd + NEAP_PY_VAR_SIZE, UINT64_C(1) << 60);
    image_str(&image, "an object, by which type is found");
    look(in_place);
    assert_null(neap_py_type_of(&lens, loop));
    assert_null(neap_py_type_of(&lens, other));
    assert_null(neap_py_type_of(&lens, huge));
    assert_null(neap_py_type_of(&lens, meta));
    assert_null(neap_py_type_of(&lens, no_meta));
    assert_null(neap_py_type_of(&lens, image.str + 1));
    assert_null(neap_py_type_of(&lens, 0));
    const struct neap_py_type *type = neap_py_type_of(&lens, long_name);
    assert_non_null(type);
    assert_true(strlen(type->name) < NEAP_PY_NAME_MAX && strstr(type->name, "..."));
    assert_non_null(neap_py_type_of(&lens, crowd));
    assert_true(image.read_bytes < image.size);
    /* And a verdict is remembered. */
    image.read_bytes = 0;
    assert_ptr_equal(neap_py_type_of(&lens, long_name), type);
    assert_int_equal(image.read_bytes, 0);
}

static void test_types_that_lie(void **state) {
    (void)state;
    each_version(types_that_lie);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),           cmocka_unit_test(test_containers),
        cmocka_unit_test(test_a_class),        cmocka_unit_test(test_refcounts),
        cmocka_unit_test(test_sizes_that_lie), cmocka_unit_test(test_types_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
