"""Lists who may open what: V(iewer), O(perator), S(ecrets manager), A(uditor), aD(ministrator); - is nobody.

Pages by the names of their addresses (a GET), POST for the sending of a form, actions by their list. A new page fails
test_roles until it has its line here.
"""

TABLE = """
accounts_invitation_add                          D
accounts_invitation_change                       A D
accounts_invitation_change POST                  -
accounts_invitation_changelist                   A D
accounts_invitation_end                          D
audit_auditevent_add                             -
audit_auditevent_change                          V O S A D
audit_auditevent_change POST                     -
audit_auditevent_changelist                      V O S A D
audit_auditevent_export                          A D
audit_auditevent_find                            V O S A D
audit_auditevent_seen                            V O S A D
audit_auditseal_add                              -
audit_auditseal_change                           V O S A D
audit_auditseal_change POST                      -
audit_auditseal_changelist                       V O S A D
auth_group_add                                   -
auth_group_change                                V O S A D
auth_group_change POST                           -
auth_group_changelist                            V O S A D
auth_user_add                                    D
auth_user_change                                 A D
auth_user_change POST                            D
auth_user_changelist                             A D
auth_user_password_change                        D
auth_user_password_change POST                   D
auth_user_reset-second-factor                    D
console_approval_add                             -
console_approval_approve                         S D
console_approval_change                          O S A D
console_approval_change POST                     -
console_approval_changelist                      O S A D
console_approval_decline                         S D
console_bulkrun_add                              -
console_bulkrun_change                           O S A D
console_bulkrun_change POST                      -
console_bulkrun_changelist                       O S A D
console_bulkrun_stop                             O S D
console_foureyes_add                             -
console_foureyes_change                          A D
console_foureyes_change POST                     D
console_foureyes_changelist                      A D
console_job_add                                  -
console_job_change                               V O S A D
console_job_change POST                          -
console_job_changelist                           V O S A D
credentials_credential action confirm_end        O S D
credentials_credential action force_end          O S D
credentials_credential action revoke             O S D
credentials_credential action rotate             O S D
credentials_credential_add                       -
credentials_credential_change                    V O S A D
credentials_credential_change POST               -
credentials_credential_changelist                V O S A D
credentials_credential_confirm-end               O S D
credentials_credential_force-end                 O S D
credentials_credential_replace                   O S D
credentials_credential_retry                     O S D
credentials_credential_report-leak               O S D
credentials_credential_reveal                    S D
credentials_credential_revoke                    O S D
credentials_credential_rotate                    O S D
credentials_credentialpolicy_add                 S D
credentials_credentialpolicy_change              V O S A D
credentials_credentialpolicy_change POST         S D
credentials_credentialpolicy_changelist          V O S A D
crypto_datakey_add                               -
crypto_datakey_change                            V O S A D
crypto_datakey_change POST                       -
crypto_datakey_changelist                        V O S A D
crypto_kekfingerprint_add                        -
crypto_kekfingerprint_change                     V O S A D
crypto_kekfingerprint_change POST                -
crypto_kekfingerprint_changelist                 V O S A D
documents                                        V O S A D
events_eventdelivery action replay               O S D
events_eventdelivery_add                         -
events_eventdelivery_change                      V O S A D
events_eventdelivery_change POST                 -
events_eventdelivery_changelist                  V O S A D
events_eventdelivery_replay                      O S D
events_eventendpoint action resume               O S D
events_eventendpoint action suspend              O S D
events_eventendpoint_add                         S D
events_eventendpoint_change                      V O S A D
events_eventendpoint_change POST                 S D
events_eventendpoint_changelist                  V O S A D
events_eventendpoint_replay-failed               O S D
events_eventendpoint_resume                      O S D
events_eventendpoint_suspend                     O S D
events_eventendpoint_test                        O S D
events_eventendpoint_types                       V O S A D
exchange_enduser action resume                   O S D
exchange_enduser action suspend                  O S D
exchange_enduser_add                             O D
exchange_enduser_change                          V O S A D
exchange_enduser_change POST                     O S D
exchange_enduser_changelist                      V O S A D
exchange_enduser_rebind                          S D
exchange_enduser_resume                          O S D
exchange_enduser_suspend                         O S D
exchange_enduser_who-saw                         V O S A D
exchange_grant_add                               O S D
exchange_grant_change                            V O S A D
exchange_grant_change POST                       -
exchange_grant_changelist                        V O S A D
exchange_grant_withdraw                          O S D
exchange_installation action approve             O D
exchange_installation action refuse              O D
exchange_installation action resume              O S D
exchange_installation action suspend             O S D
exchange_installation_add                        O D
exchange_installation_approve                    O D
exchange_installation_change                     V O S A D
exchange_installation_change POST                S D
exchange_installation_changelist                 V O S A D
exchange_installation_refuse                     O D
exchange_installation_resume                     O S D
exchange_installation_suspend                    O S D
exchange_installation_test-exchange              V O S A D
exchange_integration action resume               O S D
exchange_integration action suspend              O S D
exchange_integration_add                         S D
exchange_integration_change                      V O S A D
exchange_integration_change POST                 O S D
exchange_integration_changelist                  V O S A D
exchange_integration_resume                      O S D
exchange_integration_shape                       S D
exchange_integration_suspend                     O S D
exchange_platform action resume                  O S D
exchange_platform action suspend                 O S D
exchange_platform_add                            S D
exchange_platform_change                         V O S A D
exchange_platform_change POST                    S D
exchange_platform_changelist                     V O S A D
exchange_platform_debugger                       V O S A D
exchange_platform_first-steps                    S D
exchange_platform_first-steps-start              S D
exchange_platform_resume                         O S D
exchange_platform_suspend                        O S D
exchange_platform_test-exchange                  V O S A D
exchange_seensignature_add                       -
exchange_seensignature_change                    V O S A D
exchange_seensignature_change POST               -
exchange_seensignature_changelist                V O S A D
exchange_unsettledenduser_add                    -
exchange_unsettledenduser_change                 V O S A D
exchange_unsettledenduser_change POST            -
exchange_unsettledenduser_changelist             V O S A D
exchange_unsettledenduser_created                S D
exchange_unsettledenduser_not-created            O S D
first_steps                                      S D
keys_signingkey action retire                    S D
keys_signingkey_activate                         S D
keys_signingkey_add                              S D
keys_signingkey_change                           V O S A D
keys_signingkey_change POST                      -
keys_signingkey_changelist                       V O S A D
keys_signingkey_retire                           S D
keys_signingsecret action retire                 S D
keys_signingsecret_add                           -
keys_signingsecret_change                        V O S A D
keys_signingsecret_change POST                   -
keys_signingsecret_changelist                    V O S A D
keys_signingsecret_retire                        S D
keys_signingsecret_reveal                        S D
keys_signingsecretset_add                        -
keys_signingsecretset_change                     V O S A D
keys_signingsecretset_change POST                -
keys_signingsecretset_changelist                 V O S A D
keys_signingsecretset_new-secret                 S D
osb_brokerpassword_add                           -
osb_brokerpassword_change                        V O S A D
osb_brokerpassword_change POST                   -
osb_brokerpassword_changelist                    V O S A D
osb_brokerpassword_end                           S D
provisioning_callback_add                        -
provisioning_callback_change                     V O S A D
provisioning_callback_change POST                -
provisioning_callback_changelist                 V O S A D
provisioning_callback_close                      O S D
provisioning_callback_resend                     O S D
provisioning_credentialrotation_add              -
provisioning_credentialrotation_ask-again        O S D
provisioning_credentialrotation_change           V O S A D
provisioning_credentialrotation_change POST      -
provisioning_credentialrotation_changelist       V O S A D
provisioning_credentialrotation_close            O S D
provisioning_feature_add                         O D
provisioning_feature_change                      V O S A D
provisioning_feature_change POST                 O D
provisioning_feature_changelist                  V O S A D
provisioning_livekey action deny                 S D
provisioning_livekey_add                         -
provisioning_livekey_allow                       S D
provisioning_livekey_change                      V O S A D
provisioning_livekey_change POST                 -
provisioning_livekey_changelist                  V O S A D
provisioning_livekey_deny                        S D
provisioning_marketplace action resume           O S D
provisioning_marketplace action suspend          O S D
provisioning_marketplace_add                     S D
provisioning_marketplace_change                  V O S A D
provisioning_marketplace_change POST             S D
provisioning_marketplace_changelist              V O S A D
provisioning_marketplace_first-steps             S D
provisioning_marketplace_first-steps-osb         S D
provisioning_marketplace_first-steps-osb-start   S D
provisioning_marketplace_first-steps-start       S D
provisioning_marketplace_new-password            S D
provisioning_marketplace_resume                  O S D
provisioning_marketplace_suspend                 O S D
provisioning_operation_add                       -
provisioning_operation_change                    V O S A D
provisioning_operation_change POST               -
provisioning_operation_changelist                V O S A D
provisioning_operation_give-up                   O S D
provisioning_plan action resume                  O S D
provisioning_plan action suspend                 O S D
provisioning_plan_add                            O D
provisioning_plan_change                         V O S A D
provisioning_plan_change POST                    O D
provisioning_plan_changelist                     V O S A D
provisioning_plan_resume                         O S D
provisioning_plan_suspend                        O S D
provisioning_product action resume               O S D
provisioning_product action suspend              O S D
provisioning_product_add                         S D
provisioning_product_change                      V O S A D
provisioning_product_change POST                 O S D
provisioning_product_changelist                  V O S A D
provisioning_product_resume                      O S D
provisioning_product_suspend                     O S D
provisioning_resource action resume              O S D
provisioning_resource action suspend             O S D
provisioning_resource_add                        -
provisioning_resource_change                     V O S A D
provisioning_resource_change POST                -
provisioning_resource_changelist                 V O S A D
provisioning_resource_resume                     O S D
provisioning_resource_suspend                    O S D
provisioning_resource_who-saw                    V O S A D
provisioning_resourcecredential_add              -
provisioning_resourcecredential_ask-rotation     O S D
provisioning_resourcecredential_change           V O S A D
provisioning_resourcecredential_change POST      -
provisioning_resourcecredential_changelist       V O S A D
provisioning_resourcesession_add                 -
provisioning_resourcesession_change              V O S A D
provisioning_resourcesession_change POST         -
provisioning_resourcesession_changelist          V O S A D
provisioning_resourcesession_sign-out            O S D
provisioning_trustedkey action disable           S D
provisioning_trustedkey_add                      S D
provisioning_trustedkey_change                   V O S A D
provisioning_trustedkey_change POST              S D
provisioning_trustedkey_changelist               V O S A D
provisioning_trustedkey_disable                  S D
provisioning_trustedkey_enable                   S D
provisioning_usagehour_add                       -
provisioning_usagehour_change                    V O S A D
provisioning_usagehour_change POST               -
provisioning_usagehour_changelist                V O S A D
provisioning_usagereport_add                     -
provisioning_usagereport_change                  V O S A D
provisioning_usagereport_change POST             -
provisioning_usagereport_changelist              V O S A D
vendor_api_servicetoken_add                      D
vendor_api_servicetoken_change                   S A D
vendor_api_servicetoken_change POST              -
vendor_api_servicetoken_changelist               S A D
vendor_api_servicetoken_revoke                   S D
"""

ROWS = {line[:48].strip(): line[48:].strip() for line in TABLE.strip().splitlines()}
