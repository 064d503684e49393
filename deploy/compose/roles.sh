#!/bin/sh
# The database and the roles of each service, by ../postgresql/roles.sql; run by the service `roles` of compose.yaml.
set -eu
PGPASSWORD=$(cat /run/secrets/administrator-for-roles)
export PGPASSWORD
for service in assignment scheduling billing notifications; do
    # psql reads the passwords itself: no command line holds them
    psql --no-psqlrc --quiet <<END
\\set name kundval_$service
\\set password \`cat /run/secrets/$service-database\`
\\set migrator_password \`cat /run/secrets/$service-migrator\`
\\i /etc/kundval/roles.sql
END
    echo "roles of $service: done"
done
