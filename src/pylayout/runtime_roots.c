/* pylayout/runtime_roots.c: visits the roots: references of interpreters, threads and frames. */
#include <stdlib.h>

#include "pylayout/object_parts.h"
#include "pylayout/reading.h"
#include "pylayout/runtime.h"

enum {
    FRAME_BACK = 24,                 /* f_back of a frame object up to 3.10 */
    THREAD_LINKS = 3 * NEAP_PY_WORD, /* prev, next and interp, with which a PyThreadState begins */
};

struct telling {
    struct neap_py_lens *lens;
    struct neap_py_runtime *runtime;
    neap_py_root_visit *visit;
    void *context;
    uint32_t interpreter;
    const struct neap_py_frame *frame; /* while its locals are visited */
    bool stopped;
};

static bool tell(struct telling *t, enum neap_py_root_kind kind, uint64_t object, uint64_t local) {
    const struct neap_py_root root = {.object = object,
                                      .kind = (uint8_t)kind,
                                      .interpreter = t->interpreter,
                                      .frame = t->frame,
                                      .local = local};
    if (object != 0)
        t->stopped = !t->visit(t->context, &root);
    return !t->stopped;
}

/* Visits words of a struct that point to objects. */
static bool tell_words(struct telling *t, enum neap_py_root_kind kind, uint64_t start, uint64_t bytes) {
    struct neap_py_object object;
    for (uint64_t at = start; at < start + bytes; at += NEAP_PY_WORD) {
        uint64_t word;
        if (!neap__py_word(t->lens->memory, at, &word))
            return true;
        if (word != 0 && neap_py_object_at(t->lens, word, &object) &&
            !(object.flags & NEAP_PY_OBJECT_PARKED) && !tell(t, kind, word, 0))
            return false;
    }
    return true;
}

/* --- frames ---------------------------------------------------------------------- */

static bool tell_local(void *context, const struct neap_py_referent *referent) {
    struct telling *t = context;
    bool local = referent->edge == NEAP_PY_EDGE_LOCAL;
    return tell(t, local || !referent->exact ? NEAP_PY_ROOT_LOCAL : NEAP_PY_ROOT_FRAME, referent->address,
                referent->key);
}

static void frame_name(struct neap_py_lens *lens, struct neap_py_frame *frame) {
    const struct neap_py_version *version = lens->version;
    int32_t name = version->code_qualname == NEAP_PY_NONE ? version->code_name : version->code_qualname;
    neap__py_word(lens->memory, frame->code + (uint64_t)name, &frame->name);
    neap__py_word(lens->memory, frame->code + (uint64_t)version->code_filename, &frame->file);
}

/* Reads a frame, since 3.11. Frames of C code have no code object, or one without a function. */
static bool tell_iframe(struct telling *t, struct neap_py_frame *frame, uint64_t at, uint64_t *next) {
    struct neap__py_iframe iframe;
    bool sound = true;
    if (!neap__py_iframe_read(t->lens, at, &iframe))
        return neap__py_word(t->lens->memory, at + (uint64_t)t->lens->version->iframe_previous, next);
    frame->function = iframe.function;
    frame->code = iframe.code;
    frame_name(t->lens, frame);
    neap__py_iframe_visit(t->lens, &iframe, tell_local, t, &sound);
    frame->depth++;
    *next = iframe.previous;
    return sound;
}

/* Reads a frame up to 3.10, where frames are objects. */
static bool tell_frame_object(struct telling *t, struct neap_py_frame *frame, uint64_t at, uint64_t *next) {
    struct neap_py_object object;
    if (!neap_py_object_at(t->lens, at, &object) || object.type->kind != NEAP_PY_FRAME ||
        !neap__py_word(t->lens->memory, at + (uint64_t)t->lens->version->frame_code, &frame->code) ||
        !neap__py_word(t->lens->memory, at + FRAME_BACK, next))
        return false;
    frame->function = 0;
    frame_name(t->lens, frame);
    bool sound = tell(t, NEAP_PY_ROOT_FRAME, at, 0) &&
                 neap_py_object_visit(t->lens, &object, tell_local, t) == NEAP_OK;
    frame->depth++;
    return sound;
}

/* A circular list ends at its bound, NEAP_PY_FRAMES_MAX. */
static bool tell_frames(struct telling *t, uint64_t thread, uint32_t thread_index) {
    const struct neap_py_version *version = t->lens->version;
    struct neap_py_frame frame = {.thread = thread, .thread_index = thread_index};
    uint64_t at, turtle;
    if (!neap__py_word(t->lens->memory, thread + (uint64_t)version->thread_frame, &at))
        return false;
    if (at != 0 && version->thread_cframe != NEAP_PY_NONE &&
        !neap__py_word(t->lens->memory, at + (uint64_t)version->thread_cframe, &at))
        return false;
    bool sound = true;
    turtle = at;
    t->frame = &frame;
    for (uint32_t i = 1; at != 0 && sound && !t->stopped; i++) {
        uint64_t next = 0;
        sound = version->iframe_code == NEAP_PY_NONE ? tell_frame_object(t, &frame, at, &next)
                                                     : tell_iframe(t, &frame, at, &next);
        if (next == turtle || i == NEAP_PY_FRAMES_MAX)
            sound = next == 0 && sound; /* a circle */
        if ((i & (i - 1)) == 0)
            turtle = next;
        at = next;
        if (i == NEAP_PY_FRAMES_MAX)
            break;
    }
    t->frame = NULL;
    return sound || t->stopped;
}

/* --- the rest ----------------------------------------------------------------------- */

static bool tell_threads(struct telling *t, const struct neap_py_interpreter *interpreter) {
    const struct neap_py_version *version = t->lens->version;
    uint64_t thread = interpreter->threads;
    bool sound = true;
    for (uint32_t index = 0; thread != 0 && index < NEAP_PY_THREADS_MAX && !t->stopped; index++) {
        uint64_t back, next;
        if (!neap__py_word(t->lens->memory, thread + (uint64_t)version->thread_interpreter, &back) ||
            back != interpreter->address ||
            !neap__py_word(t->lens->memory, thread + (uint64_t)version->thread_next, &next))
            return false;
        if (!tell_frames(t, thread, index)) {
            t->runtime->doubts |= NEAP_PY_DOUBT_FRAMES;
            sound = false;
        }
        if (!t->stopped)
            tell_words(t, NEAP_PY_ROOT_THREAD, thread + THREAD_LINKS,
                       (uint64_t)version->thread_bytes - THREAD_LINKS);
        thread = next == thread ? 0 : next;
    }
    return sound;
}

int neap_py_runtime_roots(struct neap_py_lens *lens, struct neap_py_runtime *runtime,
                          neap_py_root_visit *visit, void *context) {
    struct telling t = {.lens = lens, .runtime = runtime, .visit = visit, .context = context};
    bool sound = true;
    for (; t.interpreter < runtime->interpreter_count && !t.stopped; t.interpreter++) {
        const struct neap_py_interpreter *interpreter = &runtime->interpreters[t.interpreter];
        if (tell(&t, NEAP_PY_ROOT_MODULES, interpreter->modules, 0) &&
            tell(&t, NEAP_PY_ROOT_SYS, interpreter->sys, 0))
            tell(&t, NEAP_PY_ROOT_BUILTINS, interpreter->builtins, 0);
        sound &= interpreter->doubts == 0;
    }
    for (t.interpreter = 0; t.interpreter < runtime->interpreter_count && !t.stopped; t.interpreter++)
        sound &= tell_threads(&t, &runtime->interpreters[t.interpreter]);
    for (t.interpreter = 0; t.interpreter < runtime->interpreter_count && !t.stopped; t.interpreter++)
        tell_words(&t, NEAP_PY_ROOT_WORD, runtime->interpreters[t.interpreter].address,
                   (uint64_t)lens->version->interpreter_bytes);
    return sound || t.stopped ? NEAP_OK : NEAP_ERROR_FORMAT;
}
