/* cast/format/icecast_reading.c: from XML to a list of settings. */
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include <neap/error.h>

#include "base/array.h"
#include "cast/format/icecast_file.h"
#include "cast/format/icecast_rules.h"
#include "cast/format/station_keys.h"

enum { DEPTH_MOST = 4, PATH_ROOM = 64 }; /* beyond all rules */

struct reading {
    XML_Parser parser;
    struct cast_icecast_file *file;
    struct cast_station_error *error;
    int result;
    char path[PATH_ROOM];    /* of what is open, below <icecast> */
    size_t open[DEPTH_MOST]; /* the settings that are open, the innermost last */
    size_t depth;            /* how many; the root is not counted */
    bool rooted;
    size_t skipped; /* elements that are open from an unknown one on */
    long group;
};

static const char blanks[] = " \t\r\n";

static void stop(struct reading *reading, int result) {
    reading->error->line = (unsigned)XML_GetCurrentLineNumber(reading->parser);
    reading->result = result;
    XML_StopParser(reading->parser, XML_FALSE);
}

static void refuse(struct reading *reading, const char *why) {
    stop(reading, cast_station_refuse(reading->error, "%s", why));
}

/* --- elements -------------------------------------------------------------------- */

static char *attribute_copy(const char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return strdup(attributes[1]);
    return NULL;
}

static bool is_group(const struct cast_icecast_rule *rule) {
    return rule->deed == CAST_ICECAST_MOUNT || rule->deed == CAST_ICECAST_RELAY ||
           rule->deed == CAST_ICECAST_LISTEN;
}

static struct cast_icecast_setting *setting_add(struct reading *reading,
                                                const struct cast_icecast_rule *rule) {
    struct cast_icecast_file *file = reading->file;
    if (!NEAP_ARRAY_RESERVE(file->settings, file->room, (uint64_t)file->count + 1)) {
        stop(reading, NEAP_ERROR_MEMORY);
        return NULL;
    }
    struct cast_icecast_setting *setting = &file->settings[file->count++];
    *setting = (struct cast_icecast_setting){
        .rule = rule,
        .line = (unsigned)XML_GetCurrentLineNumber(reading->parser),
        .group = reading->group,
    };
    return setting;
}

/* Appends a name to the path of what is open, and returns the rule of that. If there is none, the path stays
 * as it was. */
static const struct cast_icecast_rule *path_enter(struct reading *reading, const char *name) {
    size_t before = strlen(reading->path);
    if (before + 1 + strlen(name) >= PATH_ROOM || strchr(name, '/'))
        return NULL;
    if (before > 0)
        strcat(reading->path, "/");
    strcat(reading->path, name);
    const struct cast_icecast_rule *rule = cast_icecast_rule_find(reading->path);
    if (!rule)
        reading->path[before] = '\0';
    return rule;
}

static void XMLCALL element_begin(void *context, const char *name, const char **attributes) {
    struct reading *reading = context;
    if (!reading->rooted) {
        reading->rooted = true;
        if (strcmp(name, "icecast") != 0)
            refuse(reading, "this is no configuration of Icecast: its root is not <icecast>");
        return;
    }
    if (reading->skipped > 0) {
        reading->skipped++;
        return;
    }
    const struct cast_icecast_rule *rule = path_enter(reading, name);
    struct cast_icecast_setting *setting = setting_add(reading, rule);
    if (!setting)
        return;
    if (!rule) {
        reading->skipped = 1;
        setting->name = strdup(name);
        setting->text = strdup("");
        if (!setting->name || !setting->text)
            stop(reading, NEAP_ERROR_MEMORY);
        return;
    }
    setting->label = rule->label ? attribute_copy(attributes, rule->label) : NULL;
    setting->other = rule->label ? attribute_copy(attributes, "value") : NULL;
    if (rule->deed == CAST_ICECAST_ALIAS) {
        free(setting->other);
        setting->other = attribute_copy(attributes, "destination");
        if (!setting->other)
            setting->other = attribute_copy(attributes, "dest");
    }
    reading->open[reading->depth++] = reading->file->count - 1;
    if (is_group(rule))
        reading->group = (long)reading->file->count - 1;
}

static void trim(struct cast_icecast_setting *setting) {
    char *text = setting->text;
    size_t before = strspn(text, blanks), bytes = setting->bytes;
    while (bytes > before && strchr(blanks, text[bytes - 1]))
        bytes--;
    setting->bytes = bytes > before ? bytes - before : 0;
    memmove(text, text + before, setting->bytes);
    text[setting->bytes] = '\0';
}

static void text_add(struct reading *reading, struct cast_icecast_setting *setting, const char *text,
                     size_t bytes) {
    if (!NEAP_ARRAY_RESERVE(setting->text, setting->room, (uint64_t)setting->bytes + bytes + 1)) {
        stop(reading, NEAP_ERROR_MEMORY);
        return;
    }
    memcpy(setting->text + setting->bytes, text, bytes);
    setting->bytes += bytes;
    setting->text[setting->bytes] = '\0';
}

static void XMLCALL text_found(void *context, const char *text, int bytes) {
    struct reading *reading = context;
    if (reading->skipped == 0 && reading->depth > 0)
        text_add(reading, &reading->file->settings[reading->open[reading->depth - 1]], text, (size_t)bytes);
}

static void XMLCALL element_end(void *context, const char *name) {
    struct reading *reading = context;
    (void)name;
    if (reading->skipped > 0) {
        reading->skipped--;
        return;
    }
    if (reading->depth == 0)
        return;
    struct cast_icecast_setting *setting = &reading->file->settings[reading->open[--reading->depth]];
    text_add(reading, setting, "", 0);
    if (setting->text && !setting->rule->secret)
        trim(setting);
    char *slash = strrchr(reading->path, '/');
    *(slash ? slash : reading->path) = '\0';
    if (reading->depth == 0)
        reading->group = CAST_ICECAST_ALONE;
}

/* --- what is never expanded ------------------------------------------------------ */

static void XMLCALL entity_declared(void *context, const char *name, int is_parameter, const char *value,
                                    int bytes, const char *base, const char *system, const char *public,
                                    const char *notation) {
    (void)name, (void)is_parameter, (void)value, (void)bytes, (void)base, (void)system, (void)public;
    (void)notation;
    refuse(context, "it declares an entity: write in each place what it stands for");
}

static void XMLCALL entity_skipped(void *context, const char *name, int is_parameter) {
    (void)name, (void)is_parameter;
    refuse(context, "it has an entity from elsewhere: write in its place what it stands for");
}

/* --- what is not said ------------------------------------------------------------ */

static bool has_socket(const struct cast_icecast_file *file) {
    for (size_t i = 0; i < file->count; i++)
        if (file->settings[i].rule && file->settings[i].rule->deed == CAST_ICECAST_LISTEN)
            return true;
    return false;
}

/* Without a <listen-socket>, Icecast listens everywhere, at port 8000. */
static void socket_add(struct reading *reading) {
    struct cast_icecast_setting *setting = setting_add(reading, cast_icecast_rule_find("listen-socket"));
    if (!setting)
        return;
    setting->line = 0;
    text_add(reading, setting, "", 0);
}

/* --- reading --------------------------------------------------------------------- */

int cast_icecast_read(const char *xml, size_t bytes, struct cast_icecast_file *file,
                      struct cast_station_error *error) {
    struct reading reading = {.file = file, .error = error, .group = CAST_ICECAST_ALONE};
    *error = (struct cast_station_error){0};
    if (bytes > CAST_ICECAST_BYTES_MOST)
        return cast_station_refuse(error, "it is over a megabyte");
    reading.parser = XML_ParserCreate(NULL);
    if (!reading.parser)
        return NEAP_ERROR_MEMORY;
    XML_SetUserData(reading.parser, &reading);
    XML_SetElementHandler(reading.parser, element_begin, element_end);
    XML_SetCharacterDataHandler(reading.parser, text_found);
    XML_SetEntityDeclHandler(reading.parser, entity_declared);
    XML_SetSkippedEntityHandler(reading.parser, entity_skipped);
    if (XML_Parse(reading.parser, xml, (int)bytes, 1) != XML_STATUS_OK && reading.result == NEAP_OK) {
        enum XML_Error code = XML_GetErrorCode(reading.parser);
        if (code == XML_ERROR_NO_MEMORY)
            reading.result = NEAP_ERROR_MEMORY;
        else
            reading.result = cast_station_refuse(error, "this is no XML: %s", XML_ErrorString(code));
        error->line = (unsigned)XML_GetCurrentLineNumber(reading.parser);
    }
    if (reading.result == NEAP_OK && !has_socket(file))
        socket_add(&reading);
    XML_ParserFree(reading.parser);
    return reading.result;
}

void cast_icecast_file_clear(struct cast_icecast_file *file) {
    for (size_t i = 0; i < file->count; i++) {
        struct cast_icecast_setting *setting = &file->settings[i];
        free(setting->name);
        free(setting->label);
        free(setting->other);
        free(setting->text);
        free(setting->detail);
    }
    free(file->settings);
    *file = (struct cast_icecast_file){0};
}

const struct cast_icecast_setting *cast_icecast_find(const struct cast_icecast_file *file, const char *path) {
    const struct cast_icecast_rule *rule = cast_icecast_rule_find(path);
    for (size_t i = file->count; rule && i-- > 0;)
        if (file->settings[i].rule == rule && *file->settings[i].text)
            return &file->settings[i];
    return NULL;
}
