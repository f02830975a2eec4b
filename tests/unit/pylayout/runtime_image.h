/* tests/unit/pylayout/runtime_image.h: an interpreter with a thread, added to a python_image.
 *
 *   RUNTIME --> interpreter --> sys.modules, sys, builtins; rings of the collector
 *                          \--> thread (without frames)
 */
#ifndef NEAP_TEST_RUNTIME_IMAGE_H
#define NEAP_TEST_RUNTIME_IMAGE_H

#include "python_image.h"

struct runtime_image {
    struct python_image image; /* with room for the structs behind it */
    uint64_t runtime, interpreter, thread, modules, sys, builtins, tracked;
};

static inline void runtime_ring(struct python_image *image, uint64_t head, uint64_t member) {
    uint64_t next = member ? member : head;
    image_word(image, head, next);
    image_word(image, head + 8, next);
    if (member) {
        image_word(image, member, head);
        image_word(image, member + 8, head);
    }
}

static inline void runtime_image_make(struct runtime_image *made, const struct neap_py_version *version) {
    struct python_image *image = &made->image;
    size_t more = (size_t)version->interpreter_bytes + (1 << 14);
    image_make(image, version);
    made->runtime = IMAGE_BASE + image->size;
    image->bytes = realloc(image->bytes, image->size + more);
    if (!image->bytes)
        abort();
    memset(image->bytes + image->size, 0, more);
    image->size += more;
    image->range.end += more;
    made->interpreter = made->runtime + (1 << 12);
    made->thread = made->interpreter + (uint64_t)version->interpreter_bytes;
    uint64_t module_type = image_type(image, "module", image->object, 56, 0, NEAP_PY_TPFLAG_GC);
    uint64_t module = image_object(image, module_type, NEAP_PY_GC_HEAD, 56);
    uint64_t none[2] = {image_str(image, "answer"), image_str(image, "forty-two")};
    made->builtins = image_dict(image, none, 1);
    image_word(image, module + 16, made->builtins);
    uint64_t of_modules[] = {image_str(image, "sys"), module, image_str(image, "builtins"), module};
    made->modules = image_dict(image, of_modules, 2);
    uint64_t of_sys[] = {image_str(image, "modules"), made->modules};
    made->sys = image_dict(image, of_sys, 1);
    image_word(image, made->runtime + (uint64_t)version->runtime_head, made->interpreter);
    image_word(image, made->interpreter + (uint64_t)version->interpreter_threads, made->thread);
    image_word(image, made->interpreter + (uint64_t)version->interpreter_sys, made->sys);
    image_word(image, made->thread + (uint64_t)version->thread_interpreter, made->interpreter);
    uint64_t gc = version->interpreter_gc == NEAP_PY_NONE
                      ? made->runtime + (uint64_t)version->runtime_gc
                      : made->interpreter + (uint64_t)version->interpreter_gc;
    made->tracked = image_list(image, NULL, 0);
    for (uint64_t i = 0; i < 3; i++)
        runtime_ring(image, gc + (uint64_t)version->gc_generations + 24 * i,
                     i == 2 ? made->tracked - NEAP_PY_GC_HEAD : 0);
}

#endif
