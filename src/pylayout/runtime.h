/* pylayout/runtime.h: decodes the interpreters of a process and the roots of its objects.
 *
 *   _PyRuntime --> interpreter --> next ...      sys.modules, sys, builtins, GC generations
 *                        \--> thread --> next ...
 *                                \--> frame --> previous ...   function, file, locals
 *
 * These offsets move between micro releases. Those of the version table are guesses;
 * those of _Py_DebugOffsets (3.13 on) are better. An offset is used only if the memory
 * there is what it should be: a dict, a circle of GC heads, an interpreter to which its
 * thread points back. A part that fails this test is left out and named in `doubts`.
 * Walks over lists are bounded by the limits below.
 */
#ifndef NEAP_PYLAYOUT_RUNTIME_H
#define NEAP_PYLAYOUT_RUNTIME_H

#include "pylayout/object.h"

enum {
    NEAP_PY_INTERPRETERS_MAX = 256,
    NEAP_PY_THREADS_MAX = 1 << 16, /* of all interpreters */
    NEAP_PY_FRAMES_MAX = 1 << 17,  /* of one thread */
    NEAP_PY_GENERATIONS = 4,       /* young to old, then permanent */
};

enum neap_py_doubt {
    NEAP_PY_DOUBT_MODULES = 1u << 0,     /* sys.modules was not found */
    NEAP_PY_DOUBT_THREADS = 1u << 1,     /* threads were not found, so no frames either */
    NEAP_PY_DOUBT_GENERATIONS = 1u << 2, /* the lists of the garbage collector were not found */
    NEAP_PY_DOUBT_FRAMES = 1u << 3,      /* frames of a thread contradict themselves, since it runs */
};

struct neap_py_interpreter {
    uint64_t address;
    uint64_t modules, sys, builtins;           /* dict objects; 0 in doubt */
    uint64_t threads;                          /* first thread state; 0 in doubt */
    uint64_t generations[NEAP_PY_GENERATIONS]; /* GC heads of the lists; 0 none or in doubt */
    uint32_t doubts;                           /* enum neap_py_doubt, or-ed */
};

struct neap_py_runtime {
    uint64_t address;
    uint32_t interpreter_count;
    uint32_t doubts; /* of all interpreters, or-ed */
    struct neap_py_interpreter interpreters[NEAP_PY_INTERPRETERS_MAX];
};

/* The facts in _Py_DebugOffsets, if it is at `address`, where _PyRuntime may lie. */
struct neap_py_cookie {
    uint32_t version_hex; /* 0x030d00f0; 0 before 3.13 */
    bool free_threaded;
};
bool neap_py_cookie_read(const struct neap_memory *memory, uint64_t address, struct neap_py_cookie *cookie);

/* NEAP_ERROR_FORMAT with *fault if there is no runtime at `address`. */
int neap_py_runtime_read(struct neap_py_lens *lens, uint64_t address, struct neap_py_runtime *runtime,
                         struct neap_fault *fault);

/* One frame. Frames are visited from the innermost on. */
struct neap_py_frame {
    uint64_t thread;              /* address of its thread state */
    uint64_t function;            /* object; 0 before 3.11 */
    uint64_t code;                /* object */
    uint64_t name, file;          /* str objects: the name of the code, qualified if possible; its file */
    uint32_t thread_index, depth; /* 0 is the innermost */
};

/* Kinds of roots. An object is alive if a root refers to it, directly or through other objects. */
enum neap_py_root_kind {
    NEAP_PY_ROOT_MODULES, /* sys.modules; `object` is the dict */
    NEAP_PY_ROOT_SYS,     /* the dict of sys */
    NEAP_PY_ROOT_BUILTINS,
    NEAP_PY_ROOT_LOCAL,  /* a local or a temporary of a frame: `frame`, `local` */
    NEAP_PY_ROOT_FRAME,  /* a reference of the frame itself: function, globals, code */
    NEAP_PY_ROOT_THREAD, /* a reference of a thread state: its dict, the current exception */
    NEAP_PY_ROOT_WORD,   /* a word of the interpreter or runtime that points at an object */
};

struct neap_py_root {
    uint64_t object;
    uint8_t kind;                      /* enum neap_py_root_kind */
    uint32_t interpreter;              /* index */
    const struct neap_py_frame *frame; /* NULL where there is none */
    uint64_t local;                    /* str object that names the local; 0 for a temporary */
};

typedef bool neap_py_root_visit(void *context, const struct neap_py_root *root); /* false ends the walk */

/* Calls `visit` for every root, with the dicts of interpreters first. Returns 0, or NEAP_ERROR_FORMAT if
 * something was left out; runtime->doubts says what. */
int neap_py_runtime_roots(struct neap_py_lens *lens, struct neap_py_runtime *runtime,
                          neap_py_root_visit *visit, void *context);

/* Calls `visit` for the objects on the lists of the garbage collector, at most `limit` of them. */
int neap_py_interpreter_tracked(struct neap_py_lens *lens, const struct neap_py_interpreter *interpreter,
                                uint64_t limit, bool (*visit)(void *context, uint64_t object), void *context);

#endif
