/* pylayout/runtime.h: the interpreters of a process, and what they keep alive.
 *
 *   _PyRuntime --> interpreter --> next ...      sys.modules, sys, builtins, GC generations
 *                        \--> thread --> next ...
 *                                \--> frame --> previous ...   function, file, locals
 *
 * Offsets here move between micro releases: those of the version are guesses,
 * those of _Py_DebugOffsets (3.13 on) better ones, and either is used only after
 * what lies there proved to be what it should: a dict, a circle of GC heads, an
 * interpreter that its thread points back to. What does not prove is left out
 * and named in `doubts`. Bounded: lists end after as many steps as stand below.
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
    NEAP_PY_DOUBT_FRAMES = 1u << 3,      /* some thread's frames make no sense (it runs) */
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
    uint32_t doubts; /* of any */
    struct neap_py_interpreter interpreters[NEAP_PY_INTERPRETERS_MAX];
};

/* What a process says of itself at `address`, where _PyRuntime may lie. */
struct neap_py_cookie {
    uint32_t version_hex; /* 0x030d00f0; 0 before 3.13 */
    bool free_threaded;
};
bool neap_py_cookie_read(const struct neap_memory *memory, uint64_t address, struct neap_py_cookie *cookie);

/* NEAP_ERROR_FORMAT with *fault if nothing at `address` proves to be a runtime. */
int neap_py_runtime_read(struct neap_py_lens *lens, uint64_t address, struct neap_py_runtime *runtime,
                         struct neap_fault *fault);

/* One frame, the innermost first. */
struct neap_py_frame {
    uint64_t thread;              /* address of its thread state */
    uint64_t function;            /* object; 0 before 3.11 */
    uint64_t code;                /* object */
    uint64_t name, file;          /* str objects: the code's qualified name where there is one, its file */
    uint32_t thread_index, depth; /* 0 is the innermost */
};

/* What is alive by itself: everything else is alive because one of these refers to it. */
enum neap_py_root_kind {
    NEAP_PY_ROOT_MODULES, /* sys.modules; `object` is the dict */
    NEAP_PY_ROOT_SYS,     /* the dict of sys */
    NEAP_PY_ROOT_BUILTINS,
    NEAP_PY_ROOT_LOCAL,  /* a local or a temporary of a frame: `frame`, `local` */
    NEAP_PY_ROOT_FRAME,  /* what the frame itself holds: function, globals, code */
    NEAP_PY_ROOT_THREAD, /* a thread state's own: its dict, the exception on its way */
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

/* Every root, interpreters' dicts first. 0, or NEAP_ERROR_FORMAT when something was left out and is then in
 * runtime->doubts. */
int neap_py_runtime_roots(struct neap_py_lens *lens, struct neap_py_runtime *runtime,
                          neap_py_root_visit *visit, void *context);

/* Every object on the lists of the garbage collector, at most `limit` of them. */
int neap_py_interpreter_tracked(struct neap_py_lens *lens, const struct neap_py_interpreter *interpreter,
                                uint64_t limit, bool (*visit)(void *context, uint64_t object), void *context);

#endif
