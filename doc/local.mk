dist_man_MANS += doc/bidui.1 doc/biduid.8
# The pages of a language lie in its own folder, where man looks for them.
zhman1dir = $(mandir)/zh_CN/man1
zhman8dir = $(mandir)/zh_CN/man8
dist_zhman1_DATA = doc/zh_CN/bidui.1
dist_zhman8_DATA = doc/zh_CN/biduid.8
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = doc/bash-completion/bidui
