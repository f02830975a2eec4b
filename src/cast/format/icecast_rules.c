/* cast/format/icecast_rules.c: the table of Icecast's settings, those of version 2.4.4 and what is often met.
 */
#include "cast/format/icecast_rules.h"

#include <stdlib.h>
#include <string.h>

#define SILENT(path_)                                                                                        \
    { .path = (path_), .deed = CAST_ICECAST_SILENT }
#define NOT(path_, why)                                                                                      \
    { .path = (path_), .deed = CAST_ICECAST_SAY, .words = "not carried over: " why }
#define DONE(path_, why)                                                                                     \
    { .path = (path_), .deed = CAST_ICECAST_SAY, .words = "needs nothing: " why }
#define CARRY(path_, key_)                                                                                   \
    { .path = (path_), .deed = CAST_ICECAST_CARRY, .key = (key_) }
#define ADD(path_, key_, words_)                                                                             \
    { .path = (path_), .deed = CAST_ICECAST_CARRY, .key = (key_), .words = (words_) }
#define PART(path_)                                                                                          \
    { .path = (path_), .deed = CAST_ICECAST_PART }
#define SECRET(path_, key_)                                                                                  \
    { .path = (path_), .deed = CAST_ICECAST_CARRY, .key = (key_), .secret = true }
/* Where 1 and 0 differ, each with its own beginning. */
#define SWITCH(path_, on_, off_)                                                                             \
    { .path = (path_), .deed = CAST_ICECAST_SAY, .words = (on_), .off = (off_) }
#define LABELLED(path_, deed_, label_, why)                                                                  \
    { .path = (path_), .deed = (deed_), .label = (label_), .words = "not carried over: " why }

#define PROXY    "put a proxy in front, see docs/cast.md"
#define FIREWALL "let a firewall or a proxy in front decide who may connect"
#define RELAYS   "write a <relay> for each mount"
#define SOURCE   "the source says it in a header"
#define NO_FILES "neap-cast serves no files: let a web server do that"
#define NO_YP    "neap-cast is in no directory of stations"
#define SCRIPT   "watch for source-connected and source-ended in the error log"

static const struct cast_icecast_rule rules[] = {
    SILENT("limits"),
    ADD("limits/clients", "max-listeners", "it counts listeners only"),
    CARRY("limits/sources", "max-sources"),
    CARRY("limits/queue-size", "queue"),
    DONE("limits/client-timeout", "Icecast does not use it; here it is called listener-timeout"),
    CARRY("limits/header-timeout", "header-timeout"),
    CARRY("limits/source-timeout", "source-timeout"),
    {.path = "limits/burst-on-connect",
     .deed = CAST_ICECAST_UNLESS_0,
     .key = "burst",
     .words = "needs nothing: a new listener gets a burst, of the size that is said or of 64 KiB"},
    CARRY("limits/burst-size", "burst"),
    DONE("limits/threadpool", "there is one thread for each processor, or as many as loops says"),

    SILENT("authentication"),
    SECRET("authentication/source-password", "source-password"),
    NOT("authentication/relay-user", "no list of streams is given to other servers"),
    NOT("authentication/relay-password", "no list of streams is given to other servers"),
    CARRY("authentication/admin-user", "admin-user"),
    SECRET("authentication/admin-password", "admin-password"),

    CARRY("hostname", "hostname"),
    CARRY("location", "location"),
    CARRY("admin", "admin-mail"),
    NOT("server-id", "the server says what it is"),
    SWITCH("fileserve", "not carried over: " NO_FILES, "needs nothing: neap-cast serves no files"),
    SILENT("directory"),
    NOT("directory/yp-url", NO_YP),
    NOT("directory/yp-url-timeout", NO_YP),
    NOT("directory/touch-interval", NO_YP),

    {.path = "listen-socket",
     .deed = CAST_ICECAST_LISTEN,
     .words = "for IPv6, [::] and the port have to be added"},
    PART("listen-socket/port"),
    PART("listen-socket/bind-address"),
    PART("listen-socket/ssl"),
    NOT("listen-socket/shoutcast-mount", "sources connect as to Icecast, and name their mount themselves"),
    PART("listen-socket/shoutcast-compat"),
    NOT("listen-socket/so-sndbuf", "the server chooses the buffers of its sockets"),
    NOT("shoutcast-mount", "sources connect as to Icecast, and name their mount themselves"),
    NOT("port", "write a <listen-socket>"),
    NOT("bind-address", "write a <listen-socket>"),

    SILENT("http-headers"),
    LABELLED("http-headers/header", CAST_ICECAST_HEADER, "name", "let a proxy in front add it"),

    NOT("master-server", RELAYS),
    NOT("master-server-port", RELAYS),
    NOT("master-update-interval", RELAYS),
    NOT("master-username", RELAYS),
    NOT("master-password", RELAYS),
    SWITCH("relays-on-demand", "not carried over: a relay always plays",
           "needs nothing: a relay always plays"),
    {.path = "relay", .deed = CAST_ICECAST_RELAY},
    PART("relay/server"),
    PART("relay/port"),
    PART("relay/mount"),
    PART("relay/local-mount"),
    NOT("relay/username", "a relay does not sign in"),
    NOT("relay/password", "a relay does not sign in"),
    SWITCH("relay/relay-shoutcast-metadata", "needs nothing: a relay takes titles along",
           "not carried over: a relay takes titles along"),
    SWITCH("relay/on-demand", "not carried over: a relay always plays",
           "needs nothing: a relay always plays"),

    {.path = "mount", .deed = CAST_ICECAST_MOUNT, .label = "type"},
    PART("mount/mount-name"),
    CARRY("mount/username", "source-user"),
    SECRET("mount/password", "source-password"),
    {.path = "mount/max-listeners", .deed = CAST_ICECAST_COUNT, .key = "max-listeners"},
    CARRY("mount/max-listener-duration", "time-limit"),
    NOT("mount/dump-file", "let a listener such as curl write the stream into a file"),
    NOT("mount/intro", "neap-cast plays no files"),
    ADD("mount/fallback-mount", "fallback", "a source has to play there, as neap-cast plays no files"),
    SWITCH("mount/fallback-override", "needs nothing: listeners always come back when the source does",
           "not carried over: listeners always come back when the source does"),
    SWITCH("mount/fallback-when-full", "not carried over: whom a full mount refuses gets 503",
           "needs nothing: whom a full mount refuses gets 503"),
    SWITCH("mount/no-yp", "needs nothing: " NO_YP, "not carried over: " NO_YP),
    SWITCH("mount/public", "not carried over: " NO_YP, "needs nothing: " NO_YP),
    CARRY("mount/charset", "charset"),
    CARRY("mount/stream-name", "stream-name"),
    CARRY("mount/stream-description", "description"),
    CARRY("mount/stream-url", "url"),
    CARRY("mount/genre", "genre"),
    NOT("mount/bitrate", SOURCE),
    NOT("mount/type", SOURCE),
    NOT("mount/subtype", SOURCE),
    {.path = "mount/hidden", .deed = CAST_ICECAST_FLAG, .key = "hidden"},
    CARRY("mount/burst-size", "burst"),
    CARRY("mount/queue-size", "queue"),
    CARRY("mount/source-timeout", "source-timeout"),
    NOT("mount/mp3-metadata-interval", "it is the same for all mounts: metadata-interval in [server]"),
    SWITCH("mount/no-mount", "not carried over: a mount is heard by its name",
           "needs nothing: a mount is heard by its name"),
    LABELLED("mount/authentication", CAST_ICECAST_SAY, "type",
             "EVERYBODY MAY LISTEN; a proxy in front can ask for a password"),
    LABELLED("mount/authentication/option", CAST_ICECAST_SAY, "name", "see <authentication>"),
    SILENT("mount/http-headers"),
    LABELLED("mount/http-headers/header", CAST_ICECAST_HEADER, "name", "let a proxy in front add it"),
    NOT("mount/on-connect", SCRIPT),
    NOT("mount/on-disconnect", SCRIPT),

    SILENT("paths"),
    DONE("paths/basedir", "nothing is read from there"),
    DONE("paths/logdir", "it stands in access-log and error-log"),
    NOT("paths/pidfile", "systemd, or whatever starts the server, knows its number"),
    NOT("paths/webroot", NO_FILES),
    DONE("paths/adminroot", "the pages are in the program"),
    NOT("paths/allow-ip", FIREWALL),
    NOT("paths/deny-ip", FIREWALL),
    NOT("paths/allow-agents", "there is only deny-agents"),
    NOT("paths/deny-agents", "write the words of that file after deny-agents ="),
    CARRY("paths/x-forwarded-for", "trusted-proxies"),
    NOT("paths/mime-types", NO_FILES),
    NOT("paths/ssl-certificate", PROXY),
    NOT("paths/ssl-allowed-ciphers", PROXY),
    LABELLED("paths/alias", CAST_ICECAST_ALIAS, "source", "let a proxy in front map it"),

    SILENT("logging"),
    {.path = "logging/accesslog", .deed = CAST_ICECAST_LOG, .key = "access-log"},
    {.path = "logging/errorlog", .deed = CAST_ICECAST_LOG, .key = "error-log"},
    NOT("logging/playlistlog", "/admin/stats and status-json.xsl tell titles"),
    NOT("logging/loglevel", "there is one level"),
    NOT("logging/logsize", "let logrotate do that, with SIGHUP"),
    NOT("logging/logarchive", "let logrotate do that, with SIGHUP"),

    SILENT("security"),
    SWITCH("security/chroot", "not carried over: the unit of systemd shuts the server in, see docs/cast.md",
           "needs nothing: it is off"),
    SILENT("security/changeowner"),
    CARRY("security/changeowner/user", "run-as"),
    DONE("security/changeowner/group", "the server takes the group of the user"),
};

const struct cast_icecast_rule *cast_icecast_rule_find(const char *path) {
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].path, path) == 0)
            return &rules[i];
    return NULL;
}

const char *cast_icecast_rule_name(const struct cast_icecast_rule *rule) {
    const char *slash = strrchr(rule->path, '/');
    return slash ? slash + 1 : rule->path;
}

void cast_icecast_say(struct cast_icecast_file *file, size_t at, const char *words, const char *detail) {
    struct cast_icecast_setting *setting = &file->settings[at];
    free(setting->detail);
    setting->words = words;
    setting->detail = detail ? strdup(detail) : NULL;
    file->failed |= detail && !setting->detail;
}
