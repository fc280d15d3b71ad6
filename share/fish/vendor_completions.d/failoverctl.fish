# fish completion for failoverctl: failoverctl completion fish | source
complete -c failoverctl -f
complete -c failoverctl -n __fish_use_subcommand -a status -d 'how the pair is now, on one screen'
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from status' -l json
complete -c failoverctl -n __fish_use_subcommand -a list -d 'every pair of the account, a line each, the worst first'
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from list' -l all-regions
complete -c failoverctl -n __fish_use_subcommand -a watch -d 'the same, live; in a pipe a line for each thing that changes'
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l every
complete -c failoverctl -n '__fish_seen_subcommand_from watch' -l for
complete -c failoverctl -n __fish_use_subcommand -a web -d 'a page on this machine with the account'"'"'s pairs: who serves, the running change, the history'
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l all-regions
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l port
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l allow-actions
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l every
complete -c failoverctl -n '__fish_seen_subcommand_from web' -l no-browser
complete -c failoverctl -n __fish_use_subcommand -a failover -d 'the active server is down: confirm it, fence it, promote the other'
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l reason
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l target
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l dry-run
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l yes
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from failover' -l limit
complete -c failoverctl -n __fish_use_subcommand -a switchover -d 'planned: stop the active server cleanly, carry its last files, promote the other'
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l reason
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l target
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l dry-run
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l yes
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from switchover' -l limit
complete -c failoverctl -n __fish_use_subcommand -a force -d 'fence the active server whether or not it is down, and promote the other'
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l reason
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l target
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l dry-run
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l pair
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from force' -l limit
complete -c failoverctl -n __fish_use_subcommand -a resume -d 'resume a change that was halted or left half done'
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l reason
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l target
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l dry-run
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l yes
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from resume' -l limit
complete -c failoverctl -n __fish_use_subcommand -a adopt -d 'register an existing pair'
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l reason
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l target
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l dry-run
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l yes
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from adopt' -l limit
complete -c failoverctl -n __fish_use_subcommand -a acknowledge -d 'I have looked at the last automatic failover: allow the next one'
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from acknowledge' -l yes
complete -c failoverctl -n __fish_use_subcommand -a maintenance -d 'hold automatic failovers back for a while: on --for 2h, off'
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -a on
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -a off
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l for
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from maintenance' -l yes
complete -c failoverctl -n __fish_use_subcommand -a mode -d 'automatic: fail over by itself; manual: notice and notify, and wait for a person; shadow: write down what would have been done, and do nothing'
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -a automatic
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -a manual
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -a shadow
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from mode' -l yes
complete -c failoverctl -n __fish_use_subcommand -a may-update -d 'may the stack be updated now? Holds automatic failovers first'
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l by
complete -c failoverctl -n '__fish_seen_subcommand_from may-update' -l yes
complete -c failoverctl -n __fish_use_subcommand -a history -d 'the changes of the pair, newest first'
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l most
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l since
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l outcome
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l csv
complete -c failoverctl -n '__fish_seen_subcommand_from history' -l verify
complete -c failoverctl -n __fish_use_subcommand -a explain -d 'what a change did, step by step, and where the seconds went'
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from explain' -l dry-run
complete -c failoverctl -n __fish_use_subcommand -a report -d 'what happened in a change, as a page: what was observed, each step, the fence, where the seconds went'
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l output
complete -c failoverctl -n '__fish_seen_subcommand_from report' -l replay
complete -c failoverctl -n __fish_use_subcommand -a whatif -d 'which failovers there would have been, with the present settings and with others'
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l since
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l log-file
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l plot
complete -c failoverctl -n '__fish_seen_subcommand_from whatif' -l takeover-seconds
complete -c failoverctl -n __fish_use_subcommand -a readiness -d 'could we fail over right now? Checks it'
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from readiness' -l last
complete -c failoverctl -n __fish_use_subcommand -a init -d 'find a new pair'"'"'s parameters in the account, name the obstacles, and write samconfig.toml'
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l ms1
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l ms2
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l database
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l record
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l admin-tls-name
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l database-name
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l engine
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l secret
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l iam-user
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l config-file
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l config-env
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l check
complete -c failoverctl -n '__fish_seen_subcommand_from init' -l update
complete -c failoverctl -n __fish_use_subcommand -a prepare -d 'make both hosts ends of the replication; can be run again'
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from prepare' -l json
complete -c failoverctl -n __fish_use_subcommand -a undo-prepare -d 'take away what prepare made on both hosts'
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from undo-prepare' -l yes
complete -c failoverctl -n __fish_use_subcommand -a attach -d 'say what the stack'"'"'s security group has to be attached to; changes nothing'
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from attach' -l json
complete -c failoverctl -n __fish_use_subcommand -a replicate -d 'carry the active server'"'"'s files to the standby now'
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l full
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l accept-removal
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l no-wait
complete -c failoverctl -n '__fish_seen_subcommand_from replicate' -l limit
complete -c failoverctl -n __fish_use_subcommand -a verify-replication -d 'compare both copies by content and list what differs'
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from verify-replication' -l json
complete -c failoverctl -n __fish_use_subcommand -a cost -d 'what the stack costs a month at rest, by service'
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from cost' -l json
complete -c failoverctl -n __fish_use_subcommand -a acceptance -d 'break a demo pair in every way that AWS can, and say by the journal what came of it'
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l stack
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l profile
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l region
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l testbed
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l json
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l only
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l output
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l pair
complete -c failoverctl -n '__fish_seen_subcommand_from acceptance' -l yes
complete -c failoverctl -n __fish_use_subcommand -a completion -d 'what a shell reads to complete command lines'
complete -c failoverctl -n '__fish_seen_subcommand_from completion' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from completion' -a bash
complete -c failoverctl -n '__fish_seen_subcommand_from completion' -a zsh
complete -c failoverctl -n '__fish_seen_subcommand_from completion' -a fish
complete -c failoverctl -n __fish_use_subcommand -a man -d 'the manual page, for `failoverctl man | man -l -`'
complete -c failoverctl -n '__fish_seen_subcommand_from man' -l help
complete -c failoverctl -n __fish_use_subcommand -a help -d 'the commands, or what one of them takes'
complete -c failoverctl -n '__fish_seen_subcommand_from help' -l help
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a status
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a list
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a watch
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a web
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a failover
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a switchover
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a force
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a resume
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a adopt
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a acknowledge
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a maintenance
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a mode
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a may-update
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a history
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a explain
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a report
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a whatif
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a readiness
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a init
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a prepare
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a undo-prepare
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a attach
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a replicate
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a verify-replication
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a cost
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a acceptance
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a completion
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a man
complete -c failoverctl -n '__fish_seen_subcommand_from help' -a help
