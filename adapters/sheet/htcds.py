"""The HTCDS 2.0 case spreadsheet as people see it, and the columns a transnational referral needs besides.

Source of the labels: Human Trafficking Case Data Standard 2.0 (UNMigration/HTCDS, CC BY 4.0), Excel template, row 2.
Its hidden row 1 has machine names, of which some stand over another column's label, one is missing and one misspelt;
both are here as they are, so that a sample has the same traps. No endorsement by the standard's authors is implied.
"""

from __future__ import annotations

from pathlib import Path

MAPPING = Path(__file__).with_name("htcds-2.0.yaml")
"""Rows to `referral.request/1`."""
ENQUIRY_MAPPING = Path(__file__).with_name("htcds-2.0-enquiry.yaml")
"""Rows to `enquiry.capacity/1`, which holds no personal data."""

RECORD_MAPPING = Path(__file__).with_name("htcds-2.0-record.yaml")
"""One record by the names of the standard and `referral.request/1`, both ways."""
RECORD_FATES = Path(__file__).with_name("htcds-2.0-fates.yaml")
"""What becomes of the rest, and why."""

KEY = "Referral Number"
READY_TO_REFER = "Ready to Refer"
READY_TO_ASK = "Ready to Ask"

MARKS = {READY_TO_ASK: ENQUIRY_MAPPING, READY_TO_REFER: MAPPING}
"""The marks of the sample layout with their mapping files."""

TEMPLATE = (
    ("cas_CaseOwner", "Case Owner"),
    ("prs_Salutation", "Salutation"),
    ("prs_FirstName", "First Name"),
    ("prs_SecondName", "Second Name"),
    ("con_Consent", "Consent"),
    ("prs_Birthdate", "Birthdate"),
    ("prs_Gender", "Gender"),
    ("prs_Citizenship", "Citizenship"),
    ("prs_Title", "Title"),
    ("prs_Email", "Email"),
    ("prs_HomePhone", "Home Phone"),
    ("prs_MobilePhone", "Mobile Phone"),
    ("prs_MailingCity", "Mailing Street"),
    ("prs_MailingCountry", "Mailing City"),
    ("prs_MailingState", "Mailing State/Province"),
    ("prs_MailingStreet", "Mailing Zip/Postal Code"),
    ("prs_MailingPostalCode", "Mailing Country"),
    ("vic_TraffickingStatus", "Trafficking Status"),
    ("vic_TraffickinStatusDecisionMakingOrg", "Trafficking Status Decision Making Organization"),
    ("vic_MethodOfRecruitment", "Method of Recruitment"),
    ("vic_LocationOfRecruitment", "Location of Recruitment"),
    ("vic_MethodsOfControl", "Methods of Control"),
    ("vic_TypeOfExploitation", "Type of Exploitation"),
    ("vic_ForcedLabourIndustry", "Forced Labour Industry"),
    ("vic_TypeOfSexExploitation", "Type of Sex Exploitation"),
    ("vic_LocationOfExploitation", "Location of Exploitation"),
    ("cas_Status", "Status"),
    ("cas_ReferringOrganisation", "Referring Organisation"),
    ("cas_IncomingReferralDate", "Incoming Referral Date"),
    ("cas_ReferringPrimaryCaseWorker", "Referring Primary Case Worker"),
    ("cas_ReasonForIncomingReferral", "Reason for Incoming Referral"),
    ("cas_IncomingReferralDetails", "Incoming Referral Details"),
    ("cas_ReferredOrganisation", "Referred Organisation"),
    ("cas_ReferredPrimaryCaseWorker", "Referred Primary Case Worker"),
    ("", "Reason for Outgoing Referral"),
    ("cas_OutgoingReferralDate", "Outgoing Referral Date"),
    ("cas_OutgoingReferralDetails", "Outgoing Referral Details"),
    ("cas_ReasonForCaseClosure", "Reason for Case Closure"),
)
"""Machine name of row 1 and label of row 2, column by column from B on."""

ADDED = (
    KEY,
    "Case Number",
    READY_TO_ASK,
    READY_TO_REFER,
    "Recipient",
    "Recipient Unit",
    "Recipient Role",
    "Staff Reference",
    "Priority",
    "Consent Reference",
    "Transfer Basis",
    "Transfer Instrument",
    "Retain Until",
    "Kind of Referral",
    "Region Preferred",
    "Medical Level",
    "Accompanied Children",
    "Enquiry Note",
    "Enquiry Reference",
    "Working Name",
    "Given Name to Share",
    "Family Name to Share",
    "Age Group",
    "Languages",
    "Language Levels",
    "May Be Called",
    "Who Answers",
    "Safe Hours",
    "Code Word",
    "Never Use",
    "Exploitation Countries",
    "Services Requested",
    "Services Already Given",
    "Service Note",
    "Health Flags",
    "Legal Status",
    "Reflection Period Until",
    "Proceedings",
    "Immediate Risk",
    "Risk Domains",
    "Guardian Unit",
    "Guardian Pending",
    "Best-Interests Assessment Done",
    "Child Situation",
    "Expected Next Step",
)
"""The labels that an office adds to the right of the template."""

IDS = frozenset(
    {
        KEY,
        "Case Number",
        "Identity Number",
        "Home Phone",
        "Mobile Phone",
        "Mailing Zip/Postal Code",
        "Recipient",
        "Recipient Unit",
        "Staff Reference",
        "Consent Reference",
        "Enquiry Reference",
        "Guardian Unit",
    }
)
"""Text columns in which a leading zero counts."""
