/* hook/cpython.c: finds CPython's functions and sets its allocators. */
#include "hook/cpython.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/python_command.h"
#include "heap/guard.h"
#include "heap/model.h"

enum { DOMAIN_RAW = 0, DOMAIN_MEM = 1, DOMAIN_OBJ = 2 }; /* PyMemAllocatorDomain */

enum {
    /* CPython allocates a PyInterpreterState of 190 to 390 KB by one calloc, under the
       GIL of its creator and before the new interpreter runs. It allocates nothing else
       from RAW with a count of 1 that is as large. */
    INTERPRETER_BYTES_MIN = 64 * 1024,
    FREE_THREADED_OFFSET = 16, /* of a uint64_t in _Py_DebugOffsets */
    OLDEST_MINOR = 8,
    DEBUG_OFFSETS_MINOR = 13,
    /* CPython passes larger requests to malloc, which needs no GIL (SMALL_REQUEST_THRESHOLD). */
    SMALL_BYTES_MAX = 512
};

struct allocator { /* PyMemAllocatorEx */
    void *context;
    void *(*malloc)(void *context, size_t bytes);
    void *(*calloc)(void *context, size_t count, size_t bytes);
    void *(*realloc)(void *context, void *block, size_t bytes);
    void (*free)(void *context, void *block);
};

static struct allocator object_before, raw_before; /* the allocators that Neap replaced */
static struct neap__cpython served;

/* --- finding --- */

static bool free_threaded(void *handle, int minor) {
    const char *runtime = minor >= DEBUG_OFFSETS_MINOR ? dlsym(handle, "_PyRuntime") : NULL;
    if (!runtime || memcmp(runtime, "xdebugpy", 8) != 0)
        return false;
    uint64_t flag;
    memcpy(&flag, runtime + FREE_THREADED_OFFSET, sizeof(flag));
    return flag != 0;
}

/* The function is public since 3.13, and had another name before. */
static void *thread_state_getter(void *handle) {
    void *getter = dlsym(handle, "PyThreadState_GetUnchecked");
    return getter ? getter : dlsym(handle, "_PyThreadState_UncheckedGet");
}

bool neap__cpython_find(void *handle, struct neap__cpython *python, char *reason, size_t size) {
    void *get = dlsym(handle, "PyMem_GetAllocator"), *set = dlsym(handle, "PyMem_SetAllocator");
    const char *(*version)(void) = (const char *(*)(void))dlsym(handle, "Py_GetVersion");
    void *initialized = dlsym(handle, "Py_IsInitialized");
    void *holds_gil = dlsym(handle, "PyGILState_Check");
    if (!get || !set || !version || !initialized || !holds_gil || !thread_state_getter(handle))
        return false;
    *python = (struct neap__cpython){
        .get_allocator = (void (*)(int, void *))get,
        .set_allocator = (void (*)(int, void *))set,
        .is_initialized = (int (*)(void))initialized,
        .thread_state = (void *(*)(void))thread_state_getter(handle),
        .holds_gil = (int (*)(void))holds_gil,
    };
    int major = 0;
    reason[0] = '\0';
    if (sscanf(version(), "%d.%d", &major, &python->minor) != 2 || major != 3 || python->minor < OLDEST_MINOR)
        snprintf(reason, size, "Python %.12s is older than 3.8, the oldest that Neap serves", version());
    else if (free_threaded(handle, python->minor))
        snprintf(reason, size, "a free-threaded Python needs its own allocator");
    else if (python->is_initialized())
        snprintf(reason, size, "Python was running before Neap was loaded");
    return true;
}

void neap__cpython_overridden(char *const *argv, char *reason, size_t size) {
    const char *malloc_kind = getenv("PYTHONMALLOC"), *dev = getenv("PYTHONDEVMODE");
    switch (neap_python_override(neap_python_flags_read(argv), malloc_kind, dev)) {
    case NEAP_PYTHON_NOT_OVERRIDDEN:
        reason[0] = '\0';
        break;
    case NEAP_PYTHON_BY_MALLOC:
        snprintf(reason, size, "PYTHONMALLOC=%.32s replaces Neap's heap", malloc_kind);
        break;
    case NEAP_PYTHON_BY_DEV:
        snprintf(reason, size, "-X dev replaces Neap's heap by the debug allocator");
        break;
    case NEAP_PYTHON_BY_DEV_VARIABLE:
        snprintf(reason, size, "PYTHONDEVMODE replaces Neap's heap by the debug allocator");
        break;
    }
}

/* --- serving --- */

static void *serve_malloc(void *heap, size_t bytes) {
    return neap__heap_alloc(heap, bytes);
}

static void *serve_calloc(void *heap, size_t count, size_t bytes) {
    return neap_heap_calloc(heap, count, bytes);
}

static void *serve_realloc(void *heap, void *block, size_t bytes) {
    return neap__heap_realloc(heap, block, bytes);
}

static void serve_free(void *heap, void *block) {
    neap__heap_free(heap, block);
}

static void foreign_free(void *context, void *block) {
    (void)context;
    object_before.free(object_before.context, block);
}

static void *foreign_realloc(void *context, void *block, size_t bytes) {
    (void)context;
    return object_before.realloc(object_before.context, block, bytes);
}

static bool owner_calls(void *context) {
    (void)context;
    return served.holds_gil() != 0;
}

/* --- serving from a checked heap --- */

/* Ends the process: a call for `bytes` bytes was made without the GIL by the code that returns to `caller`.
 */
static _Noreturn void die_without_gil(const char *what, size_t bytes, const void *caller) {
    Dl_info in;
    const char *file = dladdr(caller, &in) != 0 && in.dli_fname ? in.dli_fname : NULL;
    const char *name = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (!name)
        neap__heap_die("%s of %zu bytes without the GIL, called from %p", what, bytes, caller);
    neap__heap_die("%s of %zu bytes without the GIL, called from %.80s+0x%zx", what, bytes, name,
                   (size_t)((const char *)caller - (const char *)in.dli_fbase));
}

static void expect_gil(const char *what, size_t bytes, const void *caller) {
    if (bytes <= SMALL_BYTES_MAX && !served.holds_gil())
        die_without_gil(what, bytes, caller);
}

/* The same for a block that is given. One that is none in use is for the heap to report. */
static void expect_gil_of(neap_heap_t *heap, const char *what, const void *block, const void *caller) {
    size_t bytes;
    if (!served.holds_gil() && neap__guard_asked(heap, block, &bytes))
        expect_gil(what, bytes, caller);
}

static void *check_malloc(void *heap, size_t bytes) {
    expect_gil("allocation", bytes, __builtin_return_address(0));
    return neap__heap_alloc(heap, bytes);
}

static void *check_calloc(void *heap, size_t count, size_t bytes) {
    size_t all;
    if (!__builtin_mul_overflow(count, bytes, &all))
        expect_gil("allocation", all, __builtin_return_address(0));
    return neap_heap_calloc(heap, count, bytes);
}

static void *check_realloc(void *heap, void *block, size_t bytes) {
    if (block)
        expect_gil_of(heap, "realloc", block, __builtin_return_address(0));
    else
        expect_gil("allocation", bytes, __builtin_return_address(0));
    return neap__heap_realloc(heap, block, bytes);
}

static void check_free(void *heap, void *block) {
    expect_gil_of(heap, "free", block, __builtin_return_address(0));
    neap__heap_free(heap, block);
}

/* --- watching for interpreters --- */

/* CPython's own RAW calloc. A request that may be for a new interpreter makes the heap a shared one
 * first. A caller without a thread state makes no interpreter, because PyInterpreterState_New needs the
 * GIL. */
static void *watch_calloc(void *heap, size_t count, size_t bytes) {
    if (count == 1 && bytes >= INTERPRETER_BYTES_MIN && served.thread_state())
        neap__heap_share(heap);
    return raw_before.calloc(raw_before.context, count, bytes);
}

static void *watch_malloc(void *heap, size_t bytes) {
    (void)heap;
    return raw_before.malloc(raw_before.context, bytes);
}

static void *watch_realloc(void *heap, void *block, size_t bytes) {
    (void)heap;
    return raw_before.realloc(raw_before.context, block, bytes);
}

static void watch_free(void *heap, void *block) {
    (void)heap;
    raw_before.free(raw_before.context, block);
}

void neap__cpython_serve(const struct neap__cpython *python, neap_heap_t *heap) {
    served = *python;
    python->get_allocator(DOMAIN_OBJ, &object_before);
    if (!heap->guard) { /* a checked heap reports a foreign block as misuse */
        heap->foreign_free = foreign_free;
        heap->foreign_realloc = foreign_realloc;
    }
    heap->owner_calls = owner_calls;
    struct allocator ours = {heap, serve_malloc, serve_calloc, serve_realloc, serve_free};
    if (heap->guard)
        ours = (struct allocator){heap, check_malloc, check_calloc, check_realloc, check_free};
    python->set_allocator(DOMAIN_MEM, &ours);
    python->set_allocator(DOMAIN_OBJ, &ours);
    if (python->minor >= NEAP_OWN_GIL_MINOR) {
        python->get_allocator(DOMAIN_RAW, &raw_before);
        struct allocator watch = {heap, watch_malloc, watch_calloc, watch_realloc, watch_free};
        python->set_allocator(DOMAIN_RAW, &watch);
    }
}
