/* cast/format/icecast_file.c: what becomes of each setting of Icecast. */
#include "cast/format/icecast_file.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/outside_text.h"
#include "cast/format/icecast_lines.h"
#include "cast/format/icecast_rules.h"
#include "cast/format/url.h"

#define REFUSED CAST_ICECAST_REFUSED

/* --- settings --------------------------------------------------------------------- */

static bool is_number_0(const char *text) {
    return strtol(text, NULL, 10) == 0;
}

static struct cast_icecast_setting *group_of(struct cast_icecast_file *file,
                                             const struct cast_icecast_setting *setting) {
    return setting->group == CAST_ICECAST_ALONE ? NULL : &file->settings[setting->group];
}

/* The text of a part of the group at `at`, the last one with that name; "" if there is none. */
static const char *part(const struct cast_icecast_file *file, size_t at, const char *name) {
    const char *text = "";
    for (size_t i = at + 1; i < file->count && file->settings[i].group == (long)at; i++) {
        const struct cast_icecast_setting *setting = &file->settings[i];
        if (setting->rule && setting->rule->deed == CAST_ICECAST_PART &&
            strcmp(cast_icecast_rule_name(setting->rule), name) == 0)
            text = setting->text;
    }
    return text;
}

static bool is_default_mount(const struct cast_icecast_setting *setting) {
    return setting->rule && setting->rule->deed == CAST_ICECAST_MOUNT && setting->label &&
           strcmp(setting->label, "default") == 0;
}

/* --- groups ----------------------------------------------------------------------- */

static void listen_carry(struct cast_icecast_lines *lines, size_t at) {
    const struct cast_icecast_file *file = lines->file;
    const char *port = part(file, at, "port"), *address = part(file, at, "bind-address");
    char value[256];
    if (!is_number_0(part(file, at, "ssl")))
        cast_icecast_say(lines->file, at, REFUSED, "put a proxy in front, see docs/cast.md");
    else if (!is_number_0(part(file, at, "shoutcast-compat")))
        cast_icecast_say(lines->file, at, REFUSED, "sources connect as to Icecast, to any other socket");
    else if (strlen(address) > 128 || strlen(port) > 16)
        cast_icecast_say(lines->file, at, REFUSED, "this is no address with a port");
    else {
        bool bare = strchr(address, ':') && *address != '[';
        snprintf(value, sizeof(value), "%s%s%s:%s", bare ? "[" : "", *address ? address : "0.0.0.0",
                 bare ? "]" : "", *port ? port : "8000");
        cast_icecast_line_add(lines, CAST_ICECAST_SERVER, "listen", value, at, CAST_ICECAST_FIRST);
    }
}

/* Writes where a relay gets its stream. False if that is no URL. */
static bool relay_url(const struct cast_icecast_file *file, size_t at, char *url, size_t room) {
    static const char of_host[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]";
    const char *server = part(file, at, "server"), *port = part(file, at, "port");
    const char *mount = part(file, at, "mount");
    char path[512];
    bool plain = true; /* Icecast sends it as it is, so that it may be encoded already */
    for (const char *letter = mount; *letter; letter++)
        plain &= *letter > ' ' && *letter < 127 && !strchr("\"<>\\^`{}|;#", *letter);
    if (plain && strlen(mount) < sizeof(path))
        strcpy(path, mount);
    else if (!cast_percent_encode(mount, path, sizeof(path)))
        return false;
    if (!*server || server[strspn(server, of_host)] || port[strspn(port, "0123456789")] || strlen(port) > 5)
        return false;
    bool bare = strchr(server, ':') && *server != '[';
    int length = snprintf(url, room, "http://%s%s%s:%s%s%s", bare ? "[" : "", server, bare ? "]" : "",
                          *port ? port : "8000", *path == '/' ? "" : "/", path);
    return length > 0 && (size_t)length < room;
}

static void relay_carry(struct cast_icecast_lines *lines, size_t at) {
    char url[160]; /* so that its line is not too long */
    const char *local = part(lines->file, at, "local-mount");
    local = *local ? local : part(lines->file, at, "mount");
    if (!relay_url(lines->file, at, url, sizeof(url))) {
        cast_icecast_say(lines->file, at, REFUSED, "server, port and mount make no URL");
        return;
    }
    long section = cast_icecast_section(lines, local);
    if (section < 0)
        cast_icecast_say(lines->file, at, REFUSED,
                         "its <local-mount> is no mount: a path like /live.mp3, not one of the server's own");
    else
        cast_icecast_line_add(lines, section, "relay", url, at, CAST_ICECAST_FIRST);
}

/* Finds the section for the keys of a mount. */
static void mount_open(struct cast_icecast_lines *lines, size_t at) {
    struct cast_icecast_file *file = lines->file;
    const char *name = part(file, at, "mount-name");
    char detail[CAST_SHOWN_ROOM + 16], shown[CAST_SHOWN_ROOM];
    bool is_default = is_default_mount(&file->settings[at]);
    long section = is_default ? CAST_ICECAST_SERVER : cast_icecast_section(lines, name);
    file->settings[at].section = CAST_ICECAST_NOWHERE;
    if (!is_default && !*name)
        cast_icecast_say(file, at, REFUSED, "the mount has no <mount-name>");
    else if (section < 0)
        cast_icecast_say(file, at, REFUSED,
                         lines->section_count == CAST_ICECAST_SECTIONS_MOST
                             ? "there are too many mounts"
                             : "this is no mount: a path like /live.mp3, not one of the server's own");
    else if (lines->sections[section].own)
        cast_icecast_say(file, at, REFUSED, "it is the second such mount, and the first counts");
    else {
        lines->sections[section].own = true;
        file->settings[at].section = section;
        snprintf(detail, sizeof(detail), "[mount %s]", cast_station_shown(shown, name, strlen(name)));
        cast_icecast_say(file, at, CAST_ICECAST_CARRIED, is_default ? "defaults in [server]" : detail);
    }
}

/* --- single settings -------------------------------------------------------------- */

/* Adds the line of a setting to the section that it belongs to, if there is one. */
static void carry(struct cast_icecast_lines *lines, size_t at, const char *value) {
    const struct cast_icecast_setting *setting = &lines->file->settings[at];
    const struct cast_icecast_setting *group = group_of(lines->file, setting);
    if (!*setting->text)
        cast_icecast_say(lines->file, at, "needs nothing: it is empty", NULL);
    else if (!group)
        cast_icecast_line_add(lines, CAST_ICECAST_SERVER, setting->rule->key, value, at, CAST_ICECAST_FIRST);
    else if (group->section >= 0)
        cast_icecast_line_add(lines, group->section, setting->rule->key, value, at,
                              is_default_mount(group) ? CAST_ICECAST_DEFAULT : CAST_ICECAST_FIRST);
}

static void count_carry(struct cast_icecast_lines *lines, size_t at) {
    const char *text = lines->file->settings[at].text;
    if (*text && is_number_0(text))
        cast_icecast_say(lines->file, at, REFUSED, "here, 0 is no limit");
    else
        carry(lines, at, *text == '-' ? "0" : text);
}

/* What Icecast puts in front of the names of its logs. */
static void logs_find(struct cast_icecast_lines *lines) {
    const struct cast_icecast_setting *folder = cast_icecast_find(lines->file, "paths/logdir");
    const struct cast_icecast_setting *root = cast_icecast_find(lines->file, "paths/basedir");
    const struct cast_icecast_setting *chroot = cast_icecast_find(lines->file, "security/chroot");
    bool rooted = root && chroot && !is_number_0(chroot->text);
    /* If it is cut off, it is too long for a line anyway. */
    snprintf(lines->logs, sizeof(lines->logs), "%s%s%s%s", rooted ? root->text : "", rooted ? "/" : "",
             folder ? folder->text : "", folder ? "/" : "");
}

static void log_carry(struct cast_icecast_lines *lines, size_t at) {
    const struct cast_icecast_setting *setting = &lines->file->settings[at];
    char path[1024];
    if (strcmp(setting->text, "-") == 0) {
        bool errors = strcmp(setting->rule->key, "error-log") == 0;
        cast_icecast_say(lines->file, at, errors ? "needs nothing: messages go to standard error" : REFUSED,
                         errors ? NULL : "name a file for access-log");
        return;
    }
    int length = snprintf(path, sizeof(path), "%s%s", lines->logs, setting->text);
    if (length < 0 || (size_t)length >= sizeof(path))
        cast_icecast_say(lines->file, at, REFUSED, "it is too long: a line has at most 198 bytes");
    else
        carry(lines, at, path);
}

/* What neap-cast does by itself needs nothing. */
static void attributes_say(struct cast_icecast_file *file, size_t at) {
    const struct cast_icecast_setting *setting = &file->settings[at];
    const char *label = setting->label ? setting->label : "", *other = setting->other ? setting->other : "";
    const char *words = setting->rule->words;
    if (setting->rule->deed == CAST_ICECAST_ALIAS) {
        if (strcmp(label, "/") == 0 && strcmp(other, "/status.xsl") == 0)
            words = "needs nothing: / is the status page";
    } else if (strcmp(label, "Access-Control-Allow-Origin") == 0 && strcmp(other, "*") == 0)
        words = "needs nothing: neap-cast sends it, too";
    cast_icecast_say(file, at, words, NULL);
}

static void setting_convert(struct cast_icecast_lines *lines, size_t at) {
    struct cast_icecast_file *file = lines->file;
    const struct cast_icecast_setting *setting = &file->settings[at];
    const struct cast_icecast_rule *rule = setting->rule;
    if (!rule) {
        cast_icecast_say(file, at, REFUSED, "Icecast 2.4 has no such setting");
        return;
    }
    switch (rule->deed) {
    case CAST_ICECAST_SILENT:
    case CAST_ICECAST_PART:
        break;
    case CAST_ICECAST_SAY:
        cast_icecast_say(file, at, rule->off && is_number_0(setting->text) ? rule->off : rule->words, NULL);
        break;
    case CAST_ICECAST_CARRY:
        carry(lines, at, setting->text);
        break;
    case CAST_ICECAST_FLAG:
        carry(lines, at, is_number_0(setting->text) ? "no" : "yes");
        break;
    case CAST_ICECAST_COUNT:
        count_carry(lines, at);
        break;
    case CAST_ICECAST_UNLESS_0:
        if (*setting->text && is_number_0(setting->text))
            carry(lines, at, "0");
        else
            cast_icecast_say(file, at, rule->words, NULL);
        break;
    case CAST_ICECAST_LOG:
        log_carry(lines, at);
        break;
    case CAST_ICECAST_LISTEN:
        listen_carry(lines, at);
        break;
    case CAST_ICECAST_RELAY:
        relay_carry(lines, at);
        break;
    case CAST_ICECAST_MOUNT:
        mount_open(lines, at);
        break;
    case CAST_ICECAST_HEADER:
    case CAST_ICECAST_ALIAS:
        attributes_say(file, at);
        break;
    }
}

/* --- defaults --------------------------------------------------------------------- */

/* What a key is in [server] without <mount type="default">. */
static const char *server_value(const struct cast_icecast_lines *lines, const struct cast_key *key) {
    const char *value = key->standard ? key->standard : "";
    for (size_t i = 0; i < lines->count; i++) {
        const struct cast_icecast_line *line = &lines->lines[i];
        if (line->section == CAST_ICECAST_SERVER && line->key == key && line->rank == CAST_ICECAST_FIRST)
            value = line->value;
    }
    return value;
}

/* The line that counts of those that the default gives a key; NULL if there is none. */
static struct cast_icecast_line *default_line(const struct cast_icecast_lines *lines,
                                              const struct cast_key *key) {
    for (size_t i = lines->count; i-- > 0;)
        if (lines->lines[i].key == key && lines->lines[i].rank == CAST_ICECAST_DEFAULT)
            return &lines->lines[i];
    return NULL;
}

/* Gives the sections that the default is not for the value that they have without it. */
static bool default_confine(struct cast_icecast_lines *lines, const struct cast_key *key, long fallback) {
    uint64_t bit = UINT64_C(1) << (key - cast_mount_keys);
    size_t origin = default_line(lines, key)->origin;
    char *value = strdup(server_value(lines, key));
    for (size_t i = 1; value && i < lines->section_count; i++) {
        const struct cast_icecast_section *section = &lines->sections[i];
        if ((!section->own && (long)i != fallback) || section->given & bit)
            continue;
        if (key->form == CAST_FORM_SECRET && !*value) {
            default_line(lines, key)->kept = false;
            cast_icecast_say(lines->file, origin, REFUSED, "it would be that of the other mounts, too");
            break;
        }
        cast_icecast_line_add(lines, (long)i, key->name, value, origin, CAST_ICECAST_RESET);
    }
    free(value);
    return value != NULL;
}

/* Icecast's default is for mounts without a <mount>; what stands in [server] is for all. The fallback of all
 * is not its own, either. */
static int defaults_confine(struct cast_icecast_lines *lines) {
    for (size_t i = 0; i < CAST_MOUNT_KEYS; i++) {
        const struct cast_key *key = &cast_mount_keys[i];
        const struct cast_icecast_line *line = default_line(lines, key);
        if (!line)
            continue;
        bool is_fallback = key == cast_key_find("fallback", false);
        if (!default_confine(lines, key, is_fallback ? cast_icecast_section(lines, line->value) : 0))
            return NEAP_ERROR_MEMORY;
    }
    return NEAP_OK;
}

/* --- output ----------------------------------------------------------------------- */

static bool shows_text(const struct cast_icecast_setting *setting) {
    const struct cast_icecast_rule *rule = setting->rule;
    return rule && !rule->secret && *setting->text && rule->deed >= CAST_ICECAST_CARRY &&
           rule->deed <= CAST_ICECAST_PART;
}

/* Whether a group speaks through its parts. */
static bool has_parts(const struct cast_icecast_file *file, size_t at) {
    for (size_t i = at + 1; i < file->count && file->settings[i].group == (long)at; i++)
        if (file->settings[i].rule && file->settings[i].rule->deed == CAST_ICECAST_PART)
            return true;
    return false;
}

static void note_write(struct cast_icecast_file *file, size_t at, const char *name, FILE *notes) {
    const struct cast_icecast_setting *setting = &file->settings[at], *said = setting;
    char shown[CAST_SHOWN_ROOM];
    if (setting->rule && setting->rule->deed == CAST_ICECAST_SILENT)
        return;
    if (has_parts(file, at))
        return;
    if (!said->words)
        said = group_of(file, setting);
    if (!said || !said->words)
        return;
    const char *element = setting->name ? setting->name : cast_icecast_rule_name(setting->rule);
    if (setting->line > 0)
        fprintf(notes, "%s:%u: <", name, setting->line);
    else
        fprintf(notes, "%s: no <", name);
    fputs(cast_station_shown(shown, element, strlen(element)), notes);
    if (setting->label)
        fprintf(notes, " %s=\"%s\"", setting->rule->label,
                cast_station_shown(shown, setting->label, strlen(setting->label)));
    fputs(">", notes);
    if (shows_text(setting))
        fprintf(notes, " %s", cast_station_shown(shown, setting->text, setting->bytes));
    fprintf(notes, ": %s%s%s\n", said->words, said->detail ? " " : "", said->detail ? said->detail : "");
}

static void settings_write(const struct cast_icecast_lines *lines, const char *name, FILE *out) {
    fprintf(out, "# Settings of neap-cast, made from %s, a configuration of Icecast.\n", name);
    fprintf(out, "# \"neap cast --example\" explains all keys. Let nobody but the user that the server\n"
                 "# runs as read this file: it may have passwords.\n");
    cast_icecast_lines_write(lines, lines->count, out);
}

int cast_icecast_convert(const char *xml, size_t bytes, const char *file, FILE *settings, FILE *notes,
                         struct cast_station_error *error) {
    struct cast_icecast_file read = {0};
    struct cast_icecast_lines lines = {0};
    char *name = strdup(file);
    int result = name ? cast_icecast_read(xml, bytes, &read, error) : NEAP_ERROR_MEMORY;
    if (result == NEAP_OK)
        result = cast_icecast_lines_open(&lines, &read);
    if (result == NEAP_OK)
        logs_find(&lines);
    for (size_t i = 0; i < read.count && result == NEAP_OK; i++)
        setting_convert(&lines, i);
    if (result == NEAP_OK)
        result = defaults_confine(&lines);
    if (result == NEAP_OK)
        result = cast_icecast_lines_settle(&lines);
    if (read.failed && result == NEAP_OK)
        result = NEAP_ERROR_MEMORY;
    if (result == NEAP_OK) {
        settings_write(&lines, neap_outside_text_clean(name), settings);
        for (size_t i = 0; i < read.count; i++)
            note_write(&read, i, name, notes);
    }
    cast_icecast_lines_clear(&lines);
    cast_icecast_file_clear(&read);
    free(name);
    return result;
}
