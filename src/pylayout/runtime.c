/* pylayout/runtime.c: decodes interpreters, their threads and the lists of their garbage collectors. */
#include "pylayout/runtime.h"

#include <stdlib.h>

#include "base/word.h"
#include "pylayout/dict_keys.h"
#include "pylayout/object_parts.h"
#include "pylayout/reading.h"
#include "pylayout/text.h"

enum {
    COOKIE_BYTES = 24, /* "xdebugpy", version, free-threaded */
    COOKIE_VERSION = 8,
    COOKIE_FREE_THREADED = 16,
    GENERATION_BYTES = 24, /* struct gc_generation: head, threshold, count */
    GENERATIONS_LISTED = 3,
    HEAD_SEARCH_BYTES = 4096, /* of the runtime, for its first interpreter */
    NAMES_MOST = 1 << 16,     /* keys of the dict of sys, at most */
    NAME_WORTH = 64,          /* the cost of a name, in words or links */
};

bool neap_py_cookie_read(const struct neap_memory *memory, uint64_t address, struct neap_py_cookie *cookie) {
    unsigned char bytes[COOKIE_BYTES];
    if (memory->read(memory->context, address, bytes, sizeof(bytes)) != NEAP_OK ||
        memcmp(bytes, "xdebugpy", COOKIE_VERSION) != 0)
        return false;
    cookie->version_hex = (uint32_t)neap__py_u64(bytes, COOKIE_VERSION);
    cookie->free_threaded = neap__py_u64(bytes, COOKIE_FREE_THREADED) != 0;
    return true;
}

/* --- offsets ----------------------------------------------------------------- */

/* The offsets in an interpreter: guesses of the version table, or those of _Py_DebugOffsets. */
struct offsets {
    uint64_t head, next, threads, gc, modules, sys, builtins;
    bool gc_in_runtime;
};

static uint64_t told(struct neap_py_lens *lens, uint64_t runtime, int32_t place, uint64_t guess,
                     uint64_t most) {
    uint64_t word;
    return place != NEAP_PY_NONE && neap__py_word(lens->memory, runtime + (uint64_t)place, &word) &&
                   word % NEAP_PY_WORD == 0 && word < most
               ? word
               : guess;
}

static struct offsets offsets_of(struct neap_py_lens *lens, uint64_t runtime) {
    const struct neap_py_version *v = lens->version;
    struct neap_py_cookie cookie;
    struct offsets offsets = {
        .head = (uint64_t)v->runtime_head,
        .next = (uint64_t)v->interpreter_next,
        .threads = (uint64_t)v->interpreter_threads,
        .gc = (uint64_t)(v->interpreter_gc == NEAP_PY_NONE ? v->runtime_gc : v->interpreter_gc),
        .gc_in_runtime = v->interpreter_gc == NEAP_PY_NONE,
        .modules = (uint64_t)v->interpreter_modules,
        .sys = (uint64_t)v->interpreter_sys,
        .builtins = (uint64_t)v->interpreter_builtins,
    };
    if (!neap_py_cookie_read(lens->memory, runtime, &cookie))
        return offsets;
    uint64_t most = 4 * (uint64_t)v->interpreter_bytes;
    offsets.head = told(lens, runtime, v->debug_head, offsets.head, most);
    offsets.next = told(lens, runtime, v->debug_next, offsets.next, most);
    offsets.threads = told(lens, runtime, v->debug_threads, offsets.threads, most);
    offsets.gc = told(lens, runtime, v->debug_gc, offsets.gc, most);
    offsets.modules = told(lens, runtime, v->debug_modules, offsets.modules, most);
    offsets.sys = told(lens, runtime, v->debug_sys, offsets.sys, most);
    offsets.builtins = told(lens, runtime, v->debug_builtins, offsets.builtins, most);
    return offsets;
}

/* --- what an interpreter holds -------------------------------------------------- */

static bool is_dict(struct neap_py_lens *lens, uint64_t address) {
    struct neap_py_object object;
    return neap_py_object_at(lens, address, &object) && object.type->kind == NEAP_PY_DICT;
}

/* The value of a name in a dict object; 0 if it has none. */
static uint64_t dict_get(struct neap_py_lens *lens, uint64_t dict, const char *name) {
    struct neap__py_keys keys;
    struct neap_py_object object;
    uint64_t table;
    if (!is_dict(lens, dict) || !neap__py_word(lens->memory, dict + NEAP_PY_DICT_KEYS, &table) ||
        !neap__py_keys_read(lens->memory, lens->version, table, &keys))
        return 0;
    for (uint64_t i = 0; i < keys.count && i < NAMES_MOST; i++) {
        uint64_t key, value;
        if (!neap__py_loose_take(lens, NAME_WORTH) ||
            !neap__py_keys_entry(lens->memory, &keys, i, &key, &value))
            return 0;
        if (value != 0 && neap_py_object_at(lens, key, &object) && object.type->kind == NEAP_PY_STR &&
            neap__py_text_is(lens->memory, lens->version, key, name))
            return value;
    }
    return 0;
}

/* Recognises the dict of sys: it has sys.modules, which has sys. */
static bool is_sys(struct neap_py_lens *lens, uint64_t dict) {
    uint64_t modules = is_dict(lens, dict) ? dict_get(lens, dict, "modules") : 0;
    return modules != 0 && dict_get(lens, modules, "sys") != 0;
}

static void dicts_find(struct neap_py_lens *lens, const struct offsets *offsets,
                       struct neap_py_interpreter *interpreter) {
    uint64_t sys = 0, word;
    if (neap__py_word(lens->memory, interpreter->address + offsets->sys, &word) && is_sys(lens, word))
        sys = word;
    for (uint64_t at = 0; sys == 0 && at < (uint64_t)lens->version->interpreter_bytes; at += NEAP_PY_WORD) {
        if (!neap__py_word(lens->memory, interpreter->address + at, &word))
            break;
        if (is_sys(lens, word))
            sys = word;
    }
    if (sys == 0) {
        interpreter->doubts |= NEAP_PY_DOUBT_MODULES;
        return;
    }
    interpreter->sys = sys;
    interpreter->modules = dict_get(lens, sys, "modules");
    uint64_t module = dict_get(lens, interpreter->modules, "builtins");
    if (module != 0 && neap__py_word(lens->memory, module + NEAP_PY_OBJECT_BYTES, &word) &&
        is_dict(lens, word))
        interpreter->builtins = word;
}

static bool is_thread(struct neap_py_lens *lens, uint64_t address, uint64_t interpreter) {
    uint64_t word;
    return address % NEAP_PY_WORD == 0 && address != 0 &&
           neap__py_word(lens->memory, address + (uint64_t)lens->version->thread_interpreter, &word) &&
           word == interpreter;
}

static void threads_find(struct neap_py_lens *lens, const struct offsets *offsets,
                         struct neap_py_interpreter *interpreter) {
    uint64_t word;
    if (neap__py_word(lens->memory, interpreter->address + offsets->threads, &word) &&
        is_thread(lens, word, interpreter->address)) {
        interpreter->threads = word;
        return;
    }
    for (uint64_t at = 0; at < (uint64_t)lens->version->interpreter_bytes; at += NEAP_PY_WORD) {
        if (!neap__py_word(lens->memory, interpreter->address + at, &word))
            break;
        if (is_thread(lens, word, interpreter->address)) {
            interpreter->threads = word;
            return;
        }
    }
    interpreter->doubts |= NEAP_PY_DOUBT_THREADS;
}

/* Whether it is the head of a list: it points to itself, or its neighbours point back to it. */
static bool is_ring(struct neap_py_lens *lens, uint64_t head) {
    uint64_t next, previous, back, forth;
    const uint64_t mask = ~UINT64_C(3);
    return neap__py_word(lens->memory, head, &next) &&
           neap__py_word(lens->memory, head + NEAP_PY_WORD, &previous) && (next & mask) != 0 &&
           neap__py_word(lens->memory, (next & mask) + NEAP_PY_WORD, &back) && (back & mask) == head &&
           neap__py_word(lens->memory, previous & mask, &forth) && (forth & mask) == head;
}

static bool are_generations(struct neap_py_lens *lens, uint64_t first) {
    for (uint64_t i = 0; i < GENERATIONS_LISTED; i++)
        if (!is_ring(lens, first + i * GENERATION_BYTES))
            return false;
    return true;
}

static void generations_find(struct neap_py_lens *lens, uint64_t runtime, const struct offsets *offsets,
                             struct neap_py_interpreter *interpreter) {
    const struct neap_py_version *version = lens->version;
    uint64_t base = offsets->gc_in_runtime ? runtime : interpreter->address;
    uint64_t first = base + offsets->gc + (uint64_t)version->gc_generations;
    uint64_t span = (uint64_t)version->gc_permanent - (uint64_t)version->gc_generations;
    if (!are_generations(lens, first)) {
        uint64_t limit = offsets->gc_in_runtime ? HEAD_SEARCH_BYTES : (uint64_t)version->interpreter_bytes;
        for (first = base; first < base + limit && !are_generations(lens, first);)
            first += NEAP_PY_WORD;
        if (first >= base + limit) {
            interpreter->doubts |= NEAP_PY_DOUBT_GENERATIONS;
            return;
        }
    }
    for (uint64_t i = 0; i < GENERATIONS_LISTED; i++)
        interpreter->generations[i] = first + i * GENERATION_BYTES;
    if (is_ring(lens, first + span))
        interpreter->generations[GENERATIONS_LISTED] = first + span;
}

/* Recognises an interpreter: it has threads that point back, and a dict of sys. */
static bool interpreter_read(struct neap_py_lens *lens, uint64_t runtime, const struct offsets *offsets,
                             uint64_t address, struct neap_py_interpreter *interpreter) {
    uint64_t word;
    *interpreter = (struct neap_py_interpreter){.address = address};
    if (address == 0 || address % NEAP_PY_WORD != 0 || !neap__py_word(lens->memory, address, &word))
        return false;
    threads_find(lens, offsets, interpreter);
    if (interpreter->doubts)
        return false; /* the quick test, which rejects most words */
    dicts_find(lens, offsets, interpreter);
    generations_find(lens, runtime, offsets, interpreter);
    return !(interpreter->doubts & NEAP_PY_DOUBT_MODULES);
}

static bool first_read(struct neap_py_lens *lens, uint64_t address, const struct offsets *offsets,
                       struct neap_py_interpreter *interpreter) {
    uint64_t word = 0;
    if (neap__py_word(lens->memory, address + offsets->head, &word) &&
        interpreter_read(lens, address, offsets, word, interpreter))
        return true;
    for (uint64_t at = 0; at < HEAD_SEARCH_BYTES; at += NEAP_PY_WORD) {
        uint64_t before = word;
        if (!neap__py_word(lens->memory, address + at, &word))
            return false;
        uint64_t threads;
        /* Reads further only if there is a thread at the right offset. */
        if (word != before && word % NEAP_PY_WORD == 0 && word != 0 &&
            neap__py_word(lens->memory, word + offsets->threads, &threads) &&
            is_thread(lens, threads, word) && interpreter_read(lens, address, offsets, word, interpreter))
            return true;
    }
    return false;
}

int neap_py_runtime_read(struct neap_py_lens *lens, uint64_t address, struct neap_py_runtime *runtime,
                         struct neap_fault *fault) {
    struct neap_py_interpreter interpreter;
    struct offsets offsets = offsets_of(lens, address);
    *fault = (struct neap_fault){address, "no interpreter is found from there"};
    if (!first_read(lens, address, &offsets, &interpreter))
        return NEAP_ERROR_FORMAT;
    runtime->address = address;
    runtime->interpreter_count = 0;
    runtime->doubts = 0;
    for (;;) {
        uint64_t next;
        bool met = false;
        runtime->doubts |= interpreter.doubts;
        runtime->interpreters[runtime->interpreter_count++] = interpreter;
        if (!neap__py_word(lens->memory, interpreter.address + offsets.next, &next) || next == 0 ||
            runtime->interpreter_count == NEAP_PY_INTERPRETERS_MAX)
            return NEAP_OK;
        for (uint32_t i = 0; i < runtime->interpreter_count; i++)
            met |= runtime->interpreters[i].address == next;
        if (met || !interpreter_read(lens, address, &offsets, next, &interpreter)) {
            runtime->doubts |= NEAP_PY_DOUBT_MODULES;
            return NEAP_OK;
        }
    }
}

/* --- tracked objects ---------------------------------------------------------------- */

int neap_py_interpreter_tracked(struct neap_py_lens *lens, const struct neap_py_interpreter *interpreter,
                                uint64_t limit, bool (*visit)(void *context, uint64_t object),
                                void *context) {
    const uint64_t mask = ~UINT64_C(3);
    for (unsigned i = 0; i < NEAP_PY_GENERATIONS; i++) {
        uint64_t head = interpreter->generations[i], at = head, next;
        while (head != 0 && limit != 0) {
            if (!neap__py_word(lens->memory, at, &next)) {
                lens->rejected++;
                return NEAP_ERROR_FORMAT;
            }
            at = next & mask;
            if (at == head)
                break;
            limit--;
            if (!visit(context, at + NEAP_PY_GC_HEAD))
                return NEAP_OK;
        }
    }
    return NEAP_OK;
}
