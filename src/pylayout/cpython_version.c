/* pylayout/cpython_version.c: the columns of version_rows.h. */
#include "pylayout/cpython_version.h"

/* The columns, in the order of the table's. */
enum { V3_8, V3_9, V3_10, V3_11, V3_12, V3_13, V3_14, V3_15, VERSIONS };

#define none NEAP_PY_NONE
#define ROW(field, v3_8, v3_9, v3_10, v3_11, v3_12, v3_13, v3_14, v3_15)                                     \
    [V3_8].field = v3_8, [V3_9].field = v3_9, [V3_10].field = v3_10, [V3_11].field = v3_11,                  \
    [V3_12].field = v3_12, [V3_13].field = v3_13, [V3_14].field = v3_14, [V3_15].field = v3_15,

static const struct neap_py_version versions[VERSIONS] = {
    [V3_8].minor = 8,   [V3_9].minor = 9,   [V3_10].minor = 10, [V3_11].minor = 11,
    [V3_12].minor = 12, [V3_13].minor = 13, [V3_14].minor = 14, [V3_15].minor = 15,
#include "pylayout/version_rows.h"
};

const struct neap_py_version *neap_py_version_find(unsigned major, unsigned minor) {
    for (size_t i = 0; major == 3 && i < VERSIONS; i++)
        if (versions[i].minor == minor)
            return &versions[i];
    return NULL;
}

size_t neap_py_version_count(void) {
    return VERSIONS;
}

const struct neap_py_version *neap_py_version_at(size_t index) {
    return index < VERSIONS ? &versions[index] : NULL;
}
