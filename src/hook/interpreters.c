/* hook/interpreters.c: watches dlopen and the table of built-in modules. */
#include "hook/interpreters.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "heap/model.h"

struct builtin { /* struct _inittab, Include/cpython/import.h */
    const char *name;
    void *(*init)(void);
};

static const char *const module_names[] = {"_interpreters", "_xxsubinterpreters"};
enum { MODULES = sizeof(module_names) / sizeof(module_names[0]) };

static neap_heap_t *watched;
static void *(*real_init[MODULES])(void);

static void share(void) {
    if (watched)
        neap__heap_share(watched);
}

static void *init_interpreters(void) {
    share();
    return real_init[0]();
}

static void *init_xxsubinterpreters(void) {
    share();
    return real_init[1]();
}

/* Whether the last part of `path`, up to its first dot, is the name of one of the modules. */
static bool is_module(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strcspn(name, ".");
    for (int i = 0; i < MODULES; i++) {
        if (length == strlen(module_names[i]) && memcmp(name, module_names[i], length) == 0)
            return true;
    }
    return false;
}

/* libc's dlopen looks at the address of its caller, for $ORIGIN and the like. The compiler makes the last
 * call a jump, so that libc sees our caller. */
__attribute__((visibility("default"))) void *dlopen(const char *file, int mode) {
    static void *(*next)(const char *, int);
    if (!next)
        next = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    if (file && watched && is_module(file))
        share();
    return next(file, mode);
}

void neap__interpreters_watch(void *handle, neap_heap_t *heap) {
    static void *(*const ours[MODULES])(void) = {init_interpreters, init_xxsubinterpreters};
    struct builtin **table = dlsym(handle, "PyImport_Inittab");
    watched = heap;
    for (struct builtin *b = table ? *table : NULL; b && b->name; b++) {
        for (int i = 0; i < MODULES; i++) {
            if (strcmp(b->name, module_names[i]) == 0) {
                real_init[i] = b->init;
                b->init = ours[i];
            }
        }
    }
}
