/* inspect/python/python_version.c: by what the process tells of itself, else by names. */
#include "inspect/python/python_version.h"

#include <stdlib.h>
#include <string.h>

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* N of the first "python3.N" in `text`; -1 if there is none. */
static int minor_named(const char *text) {
    static const char lead[] = "python3.";
    const char *found = strstr(text, lead);
    if (!found || found[sizeof(lead) - 1] < '0' || found[sizeof(lead) - 1] > '9')
        return -1;
    long minor = strtol(found + sizeof(lead) - 1, NULL, 10);
    return minor < 1000 ? (int)minor : -1;
}

/* By the program's name, else by the modules it has loaded. */
static int minor_guess(const struct neap_process_image *image, const struct neap_interpreter *interpreter) {
    int minor = minor_named(last_part(interpreter->path));
    for (size_t i = 0; i < image->mapping_count && minor < 0; i++)
        minor = minor_named(image->mappings[i].path);
    return minor;
}

int neap_python_version_find(const struct neap_memory *memory, const struct neap_process_image *image,
                             const struct neap_interpreter *interpreter, struct neap_python_version *version,
                             const char **why) {
    static const char *const names[] = {"Py_Version"};
    struct neap_symbol_range range = {0, 0};
    struct neap_py_cookie cookie = {0, false};
    struct neap_python_version found = {NULL, 0};
    if (neap_py_cookie_read(memory, interpreter->runtime.address, &cookie)) {
        found.hex = cookie.version_hex;
        if (cookie.free_threaded) {
            *why = "a free-threaded build, which has another heap";
            return NEAP_ERROR_ABSENT;
        }
    }
    uint64_t word = 0;
    if (found.hex == 0 && neap_symbols_find(image, interpreter, names, 1, &range) == NEAP_OK &&
        range.address && memory->read(memory->context, range.address, &word, sizeof(word)) == NEAP_OK)
        found.hex = (uint32_t)word;
    int minor = found.hex ? (int)(found.hex >> 16 & 0xff) : minor_guess(image, interpreter);
    found.layout = minor < 0 ? NULL : neap_py_version_find(3, (unsigned)minor);
    if (!found.layout) {
        *why = "not one of the versions 3.8 to 3.15";
        return NEAP_ERROR_ABSENT;
    }
    *version = found;
    return NEAP_OK;
}

bool neap_python_version_range(const char *access, const char *path, uint64_t start, uint64_t end,
                               struct neap_py_range *range) {
    if (strncmp(access, "rw", 2) != 0 ||
        (path[0] == '[' && strcmp(path, "[heap]") != 0 && strncmp(path, "[anon", 5) != 0))
        return false;
    *range = (struct neap_py_range){start, end, path[0] == '\0' || path[0] == '[', false};
    return true;
}
