/* _neap.c: Python access to the heap of this process.
 *
 * The heap is reached through functions that the preloaded library exports, so nothing
 * of Neap is linked. All calls are made with the GIL held, whose holder owns the heap.
 * Interpreters share no state, so each may have its own copy of the module.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <neap/heap.h>
#include <neap/version.h>

/* The functions that libneap-preload.so exports; see src/hook. */
struct hook {
    neap_heap_t *(*heap)(void); /* returns NULL if it serves nothing */
    uint64_t (*trim)(void);     /* bytes given back */
    void (*stats)(struct neap_heap_stats *stats);
};

struct state {
    PyObject *not_serving; /* exception class */
    PyTypeObject *stats;   /* struct sequence */
};

/* --- the hook ---------------------------------------------------------- */

static int symbol_find(const char *name, void *function) {
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &address, sizeof(address));
    return address != NULL;
}

static int hook_find(struct hook *hook) {
    return symbol_find("neap_hook_heap", &hook->heap) && symbol_find("neap_hook_trim", &hook->trim) &&
           symbol_find("neap_hook_stats", &hook->stats);
}

/* Fills *hook, or raises NotServing. */
static int hook_demand(PyObject *module, struct hook *hook) {
    const struct state *state = PyModule_GetState(module);
    if (!hook_find(hook)) {
        PyErr_SetString(state->not_serving,
                        "this program is not under Neap: start it with `neap run` or `python3 -m neap`");
        return 0;
    }
    if (!hook->heap()) {
        PyErr_Format(state->not_serving,
                     "Neap is loaded but does not serve this Python: `neap stat %d` says why", (int)getpid());
        return 0;
    }
    return 1;
}

/* --- statistics -------------------------------------------------------- */

/* One row per member of struct neap_heap_stats, in its order. */
static const struct member {
    const char *name, *doc;
    size_t offset, bytes;
} members[] = {
#define MEMBER(name, doc)                                                                                    \
    { #name, doc, offsetof(struct neap_heap_stats, name), sizeof(((struct neap_heap_stats *)0)->name) }
    MEMBER(live_bytes, "blocks in use"),
    MEMBER(cached_bytes, "free blocks in the magazines of the fast path"),
    MEMBER(free_bytes, "free, on pages that also hold a live or cached block"),
    MEMBER(dirty_bytes, "whole free pages still in memory"),
    MEMBER(clean_bytes, "whole free pages given back, or never touched"),
    MEMBER(resident_bytes, "pages that the heap believes to be in memory"),
    MEMBER(meshed_bytes, "the part of resident_bytes that takes no memory, because pages share it"),
    MEMBER(peak_bytes, "the most resident_bytes has been"),
    MEMBER(reserved_bytes, "address space held"),
    MEMBER(metadata_bytes, "touched bookkeeping, estimated"),
    MEMBER(live_blocks, "count of blocks in use"),
    MEMBER(purged_bytes, "given back since the start, all told"),
    MEMBER(refaulted_bytes, "of these, taken again later"),
    MEMBER(purges, "count of purging passes that gave anything back"),
    MEMBER(purge_ns, "time spent in them"),
    MEMBER(slabs, "count of slabs"),
    MEMBER(runs, "count of runs"),
    MEMBER(regions, "count of regions"),
    MEMBER(pins, "count of slabs filled to less than 1/8"),
#undef MEMBER
};

enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static PyTypeObject *stats_type_new(void) {
    PyStructSequence_Field fields[MEMBERS + 1] = {{0}};
    for (int i = 0; i < MEMBERS; i++)
        fields[i] = (PyStructSequence_Field){members[i].name, members[i].doc};
    PyStructSequence_Desc description = {"neap.Stats", "What the heap of this process holds.", fields,
                                         MEMBERS};
    return PyStructSequence_NewType(&description);
}

static PyObject *member_value(const struct neap_heap_stats *stats, const struct member *member) {
    const char *at = (const char *)stats + member->offset;
    uint32_t narrow;
    uint64_t wide;
    if (member->bytes == sizeof(narrow)) {
        memcpy(&narrow, at, sizeof(narrow));
        wide = narrow;
    } else {
        memcpy(&wide, at, sizeof(wide));
    }
    return PyLong_FromUnsignedLongLong(wide);
}

static PyObject *module_stats(PyObject *module, PyObject *unused) {
    const struct state *state = PyModule_GetState(module);
    struct neap_heap_stats stats;
    struct hook hook;
    (void)unused;
    if (!hook_demand(module, &hook))
        return NULL;
    hook.stats(&stats);
    PyObject *result = PyStructSequence_New(state->stats);
    for (int i = 0; result && i < MEMBERS; i++) {
        PyObject *value = member_value(&stats, &members[i]);
        if (!value)
            Py_CLEAR(result);
        else
            PyStructSequence_SetItem(result, i, value); /* takes the reference */
    }
    return result;
}

/* --- other functions --------------------------------------------------- */

static PyObject *module_trim(PyObject *module, PyObject *unused) {
    struct hook hook;
    (void)unused;
    return hook_demand(module, &hook) ? PyLong_FromUnsignedLongLong(hook.trim()) : NULL;
}

static PyObject *module_is_serving(PyObject *module, PyObject *unused) {
    struct hook hook;
    (void)module;
    (void)unused;
    return PyBool_FromLong(hook_find(&hook) && hook.heap());
}

/* --- the module -------------------------------------------------------- */

static int module_exec(PyObject *module) {
    struct state *state = PyModule_GetState(module);
    state->not_serving = PyErr_NewExceptionWithDoc("neap.NotServing", "No Neap heap serves this process.",
                                                   PyExc_RuntimeError, NULL);
    state->stats = stats_type_new();
    if (!state->not_serving || !state->stats)
        return -1;
    if (PyModule_AddObjectRef(module, "NotServing", state->not_serving) < 0)
        return -1;
    if (PyModule_AddStringConstant(module, "version", NEAP_VERSION) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Stats", (PyObject *)state->stats);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct state *state = PyModule_GetState(module);
    Py_VISIT(state->not_serving);
    Py_VISIT(state->stats);
    return 0;
}

static int module_clear(PyObject *module) {
    struct state *state = PyModule_GetState(module);
    Py_CLEAR(state->not_serving);
    Py_CLEAR(state->stats);
    return 0;
}

/* A module that is freed without a garbage collection has not been cleared. */
static void module_free(void *module) {
    module_clear(module);
}

static PyMethodDef methods[] = {
    {"trim", module_trim, METH_NOARGS, "Give back all memory that can be; returns bytes."},
    {"stats", module_stats, METH_NOARGS, "What the heap of this process holds, as neap.Stats."},
    {"is_serving", module_is_serving, METH_NOARGS, "Whether a Neap heap serves this process."},
    {NULL, NULL, 0, NULL},
};

/* 3.12 has a slot by which a module says that it may be in interpreters with a GIL of their own;
 * 3.11 refuses a module with a slot that it does not know, hence two definitions. */
enum { SLOT_MULTIPLE_INTERPRETERS = 3 };

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef_Slot slots_3_12[] = {
    {Py_mod_exec, module_exec},
    {SLOT_MULTIPLE_INTERPRETERS, (void *)2}, /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */
    {0, NULL},
};

#define DEFINITION(its_slots)                                                                                \
    {                                                                                                        \
        .m_base = PyModuleDef_HEAD_INIT, .m_name = "neap._neap", .m_size = sizeof(struct state),             \
        .m_methods = methods, .m_slots = its_slots, .m_traverse = module_traverse, .m_clear = module_clear,  \
        .m_free = module_free,                                                                               \
    }

static PyModuleDef definition = DEFINITION(slots);
static PyModuleDef definition_3_12 = DEFINITION(slots_3_12);

PyMODINIT_FUNC PyInit__neap(void);

PyMODINIT_FUNC PyInit__neap(void) {
    return PyModuleDef_Init(Py_Version >= 0x030C0000 ? &definition_3_12 : &definition);
}
