/* tests/unit/pylayout/python_objects.h: an image of a Python with objects of every kind that know each other.
 *
 *   sys.modules --> module builtins --> dict --> list of one object a kind, large containers if asked for
 *   thread --> frame --> code, locals
 *
 * One image a version, made once. The interpreter is shorter than a real one, so that it is quickly looked
 * through. For tests and fuzz targets of objects and of the census.
 */
#ifndef NEAP_TEST_PYTHON_OBJECTS_H
#define NEAP_TEST_PYTHON_OBJECTS_H

#include "runtime_image.h"

enum {
    OBJECTS_INTERPRETER_BYTES = 1 << 13,
    OBJECTS_VERSIONS = 16, /* no more than there are */
    OBJECTS_MANY = 1100,   /* items, enough for advice on them */
    OBJECTS_KINDS = 32,
    OBJECT_BYTES = 240,
};

struct objects {
    struct runtime_image *made;
    struct python_image *image;
    const struct neap_py_version *version;
    uint64_t text, number, names;  /* a str, an int, a tuple of strs */
    uint64_t deque, odict;         /* types */
    uint64_t kinds[OBJECTS_KINDS]; /* an object each */
    size_t count;
};

static inline uint64_t objects_keep(struct objects *objects, uint64_t object) {
    if (objects->count == OBJECTS_KINDS)
        abort();
    return objects->kinds[objects->count++] = object;
}

/* An object of a new type that the collector tracks, the words from `first` on references. */
static inline uint64_t objects_new(struct objects *objects, const char *name, uint64_t first, uint64_t end,
                                   uint64_t flags) {
    struct python_image *image = objects->image;
    uint64_t type = image_type(image, name, image->object, 200, 0, NEAP_PY_TPFLAG_GC | flags);
    uint64_t object = image_object(image, type, NEAP_PY_GC_HEAD, OBJECT_BYTES);
    for (uint64_t at = first; at < end; at += 8)
        image_word(image, object + at, at / 8 % 2 ? objects->text : objects->number);
    return objects_keep(objects, object);
}

/* The words of `object` from `at` on. */
static inline void objects_words(struct objects *objects, uint64_t object, uint64_t at, const uint64_t *words,
                                 size_t count) {
    for (size_t i = 0; i < count; i++)
        image_word(objects->image, object + at + 8 * i, words[i]);
}

/* --- containers --------------------------------------------------------------- */

static inline void objects_sequences(struct objects *objects) {
    struct python_image *image = objects->image;
    const uint64_t pair[] = {objects->text, objects->number}, block_bytes = 66 * 8;
    uint64_t object, table, blocks[2] = {image_block(image, block_bytes), image_block(image, block_bytes)};
    objects_keep(objects, image_list(image, pair, 2));
    objects_keep(objects, image_dict(image, pair, 1));
    objects_keep(objects, image_tuple(image, pair, 2));
    object = objects_new(objects, "set", 64, 80, 0);
    objects_words(objects, object, 24, (const uint64_t[]){1, 7, object + 64}, 3);
    object = objects_new(objects, "frozenset", 0, 0, 0);
    table = image_block(image, 32 * 16);
    objects_words(objects, object, 24, (const uint64_t[]){2, 31, table}, 3);
    image_word(image, table + 64, objects->text);
    image_word(image, table + 128, objects->number);
    object = objects_new(objects, "collections.deque", 0, 0, 0);
    objects->deque = image_get(image, object + NEAP_PY_OBJECT_TYPE);
    objects_words(objects, object, 16, (const uint64_t[]){70, blocks[0], blocks[1], 10, 15}, 5);
    for (uint64_t i = 0; i < 70; i++)
        image_word(image, blocks[i >= 54] + 8 * (1 + (10 + i) % 64), objects->number);
    image_word(image, blocks[0] + 65 * 8, blocks[1]);
    object = objects_new(objects, "collections.OrderedDict", 0, 0, NEAP_PY_TPFLAG_DICT);
    objects->odict = image_get(image, object + NEAP_PY_OBJECT_TYPE);
    table = image_block(image, 32);
    image_word(image, object + NEAP_PY_DICT_USED, 1);
    image_word(image, object + NEAP_PY_DICT_KEYS, image_keys(image, pair, 1));
    image_word(image, object + 48, table);
    image_word(image, table, objects->text);
}

static inline void objects_storage(struct objects *objects) {
    struct python_image *image = objects->image;
    uint64_t object = objects_new(objects, "bytearray", 0, 0, 0), block = image_far(image, 100);
    objects_words(objects, object, 16, (const uint64_t[]){99, 100, block}, 3);
    object = objects_new(objects, "array.array", 0, 0, 0);
    objects_words(objects, object, 16, (const uint64_t[]){10, image_block(image, 88), 11, object + 80}, 4);
    image_put(image, object + 84, 8, 4); /* bytes of an item */
    object = objects_new(objects, "bytes", 0, 0, NEAP_PY_TPFLAG_BYTES);
    image_word(image, object + NEAP_PY_VAR_SIZE, 5);
    objects_new(objects, "float", 0, 0, 0);
}

/* --- what runs -------------------------------------------------------------------- */

static inline uint64_t objects_code(struct objects *objects) {
    const struct neap_py_version *version = objects->version;
    uint64_t code = objects_new(objects, "code", 0, 0, 0);
    const int32_t texts[] = {version->code_name, version->code_qualname, version->code_filename};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i] != NEAP_PY_NONE)
            image_word(objects->image, code + (uint64_t)texts[i], objects->text);
    const int32_t counts[] = {version->code_nlocalsplus, version->code_nlocals, version->code_stacksize};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i] != NEAP_PY_NONE)
            image_put(objects->image, code + (uint64_t)counts[i], 2, 4);
    image_word(objects->image, code + (uint64_t)version->code_local_names, objects->names);
    return code;
}

/* Since 3.11 a frame is no object: at `at`, with two locals and two places of a stack. */
static inline void objects_iframe(struct objects *objects, uint64_t at, uint64_t code, uint64_t function) {
    const struct neap_py_version *version = objects->version;
    uint64_t locals = at + (uint64_t)version->iframe_bytes;
    image_word(objects->image, at + (uint64_t)version->iframe_code, code);
    image_word(objects->image, at + (uint64_t)version->iframe_function, function);
    image_put(objects->image, at + (uint64_t)version->iframe_stack,
              version->iframe_stack_pointer ? locals + 24 : 3, version->iframe_stack_pointer ? 8 : 4);
    objects_words(objects, locals, 0, (const uint64_t[]){objects->text, objects->number, objects->names}, 3);
}

static inline void objects_running(struct objects *objects) {
    const struct neap_py_version *version = objects->version;
    struct python_image *image = objects->image;
    uint64_t code = objects_code(objects), function = objects_new(objects, "function", 16, 136, 0);
    uint64_t frame = objects_new(objects, "frame", 0, 0, 0), running = frame;
    uint64_t generator = objects_new(objects, "generator", 0, 0, 0);
    uint64_t place = objects->made->thread + (uint64_t)version->thread_frame;
    image_word(image, function + (uint64_t)version->function_code, code);
    if (version->iframe_code == NEAP_PY_NONE) {
        image_word(image, frame + (uint64_t)version->frame_code, code);
    } else {
        running = image_far(image, 160);
        objects_iframe(objects, running, code, function);
        objects_iframe(objects, generator + (uint64_t)version->generator_bytes, code, function);
        image_word(image, frame + (uint64_t)version->frame_frame, running);
    }
    if (version->thread_cframe != NEAP_PY_NONE) {
        uint64_t cframe = image_far(image, 32);
        image_word(image, cframe + (uint64_t)version->thread_cframe, running);
        running = cframe;
    }
    image_word(image, place, running);
}

static inline void objects_others(struct objects *objects) {
    static const char *const names[] = {"cell", "method", "weakref", "fast.Opaque",
                                        "builtin_function_or_method"};
    struct python_image *image = objects->image;
    const uint64_t pair[] = {objects->text, objects->text};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        objects_new(objects, names[i], 16, 72, 0);
    uint64_t type = image_type(image, "Managed", image->object, 16, 0,
                               NEAP_PY_TPFLAG_GC | NEAP_PY_TPFLAG_HEAP | NEAP_PY_TPFLAG_MANAGED_DICT |
                                   NEAP_PY_TPFLAG_MANAGED_WEAK | NEAP_PY_TPFLAG_INLINE_VALUES);
    image_word(image, type + (uint64_t)image->version->ht_cached_keys, image_keys(image, pair, 1));
    size_t managed = image->version->preheader ? NEAP_PY_MANAGED : 0;
    uint64_t object = image_object(image, type, NEAP_PY_GC_HEAD + managed, 80);
    image_word(image, object + 16, UINT64_C(0x01010105));
    image_word(image, object + 24, objects->text);
    objects_keep(objects, object);
}

/* --- the whole ---------------------------------------------------------------------- */

static inline void objects_large(struct objects *objects) {
    static uint64_t many[2 * OBJECTS_MANY];
    for (size_t i = 0; i < 2 * OBJECTS_MANY; i++)
        many[i] = i % 2 ? objects->number : objects->text;
    objects_keep(objects, image_list(objects->image, many, OBJECTS_MANY));
    objects_keep(objects, image_dict_sized(objects->image, many, OBJECTS_MANY, 11));
}

static inline struct objects objects_begin(struct runtime_image *made) {
    struct python_image *image = &made->image;
    struct objects objects = {.made = made, .image = image, .version = image->version};
    objects.text = image_str(image, "text");
    objects.number = image_object(image, image->integer, 0, 32);
    image_word(image, objects.number + NEAP_PY_INT_TAG, image->version->int_tagged ? 8 : 1);
    objects.names = image_tuple(image, (const uint64_t[]){objects.text, objects.text}, 2);
    return objects;
}

/* One object a kind. */
static inline void objects_fill(struct objects *objects) {
    objects_sequences(objects);
    objects_storage(objects);
    objects_running(objects);
    objects_others(objects);
}

/* Lets the module builtins hold all that were kept. */
static inline void objects_end(struct objects *objects) {
    struct python_image *image = objects->image;
    uint64_t all[] = {image_str(image, "all"), image_list(image, objects->kinds, objects->count)};
    image_word(image, objects->made->builtins + NEAP_PY_DICT_KEYS, image_keys(image, all, 1));
}

/* The image of a version, with its own row of the table. */
static inline struct runtime_image *objects_image(size_t number, bool large) {
    static struct runtime_image images[2][OBJECTS_VERSIONS];
    static struct neap_py_version versions[OBJECTS_VERSIONS];
    size_t at = number % neap_py_version_count();
    struct runtime_image *made = &images[large][at];
    if (!made->image.bytes) {
        versions[at] = *neap_py_version_at(at);
        versions[at].interpreter_bytes = OBJECTS_INTERPRETER_BYTES;
        runtime_image_make(made, &versions[at]);
        struct objects objects = objects_begin(made);
        objects_fill(&objects);
        if (large)
            objects_large(&objects);
        objects_end(&objects);
    }
    return made;
}

#endif
